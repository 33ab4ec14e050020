"""Every text of the pages in both languages, with the same places to fill."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from string import Formatter

import httpx
import pytest
from babel.messages.extract import extract

from pwa.app import make_app
from pwa.texts import Texts
from sync.texts import po_path, read_po
from tests import kit_pwa as kit

PWA = Path(__file__).resolve().parents[2] / "pwa"
KEYWORDS = {"_": None, "N_": None, "t": None, "n": (1, 2), "n_": (1, 2), "BadForm": None, "Gone": None}
METHODS = {".py": "python", ".html": "jinja2.ext:babel_extract", ".js": "javascript"}


def messages() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(PWA.rglob("*")):
        if path.suffix not in METHODS or path.parent.name == "lib":
            continue
        method = METHODS[path.suffix]
        options = {"trimmed": "1", "silent": "false"} if path.suffix == ".html" else {}
        with path.open("rb") as file:
            for line, message, _, _ in extract(method, file, keywords=KEYWORDS, options=options):
                for text in message if isinstance(message, tuple) else (message,):
                    if text:
                        found.setdefault(text, f"{path.relative_to(PWA)}:{line}")
    return found


def chinese() -> dict[str, str]:
    path = po_path("pwa", "zh")
    assert path
    return {key: forms[0] for key, forms in read_po(path).items()}


def test_every_text_of_the_pages_is_there_in_chinese() -> None:
    known = chinese()
    assert len(messages()) > 400, "the extraction still finds the texts"
    assert {text: where for text, where in messages().items() if text not in known} == {}


def test_no_translation_is_left_over() -> None:
    assert set(chinese()) - set(messages()) == set()


def test_a_translation_fills_the_same_places() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert {k: v for k, v in chinese().items() if places(k) != places(v)} == {}


def test_no_template_has_words_outside_of_the_catalogue() -> None:
    bare = {}
    for path in sorted((PWA / "templates").rglob("*.html")):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text(), flags=re.S)
        text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", text, flags=re.S)
        found = [w for w in re.findall(r">([^<>]+)<", f">{text}<") if re.search(r"[A-Za-z]{2,}", w)]
        found = [w.strip() for w in found if w.strip() not in ("English", "&nbsp;")]
        if found:
            bare[path.name] = found
    assert bare == {}


def test_no_template_runs_scripts_or_trusts_data() -> None:
    """T21 and T22: nothing of the page is evaluated, and nothing is marked as safe."""
    banned = re.compile(
        r"\|\s*safe\b|hx-on|javascript:|\bjs:|\bon(click|load|error|submit)=|style=|<script(?! defer src)"
    )
    for path in (PWA / "templates").rglob("*.html"):
        found = banned.search(path.read_text())
        assert found is None, f"{path.name}: {found}"
        assert not re.search(r"hx-trigger=\"[^\"]*\[", path.read_text()), "trigger filters are evaluated"


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    node = kit.store(tmp_path / "replica.db")
    kit.busy(node)
    kit.offline(node)
    app = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        await http.get("/sign-in")
        form = {"person": "p2", "pin": kit.PIN, "_csrf_token": http.cookies["csrftoken"]}
        await http.post("/sign-in", data=form)
        yield http


ENGLISH_FINE = re.compile(
    r"PIN|SKU|English|Lin\b|Zhao Min|Chen Lead|SF Express|Huaihai Rd|H\. Chen|L\. Wang|W\. Li|YP"
    r"|[A-Z]{1,3}-?\d+[\w-]*|\b[A-Z0-9]{2,}(-[A-Z0-9]+)+\b|S\d{3}|F\d+|P[0-9A-Z]{8}|M[0-9A-Z]{6}|H[0-9A-Z]{6}|[0-9A-Z]{10,}"
    r"|One size|Size [MLS]|cm|Linen shirt, sand|Jeans, straight, indigo|Wrap dress, red|Wool cap, grey"
    r"|Leather weekend bag.*cream|gift.*tag"
)
"""Names of people, goods and codes: data, not words of the pages."""

SHOWN = [
    "/orders?tab=offers&later=1", "/orders?tab=work", "/orders?tab=ready&later=1", "/offers/42",
    "/offers/42/decline", "/orders/13", "/pack/12?parcels=2", "/stage/11", "/handover", "/handover/7",
    "/handover/7?override=1", "/courier", "/putback/17", "/returns", "/returns/order?number=YP-0990",
    "/returns/blind", "/stock", "/count", f"/count/{kit.GOODS[4][0]}", "/receive", "/transfer", "/adjust",
    "/notices", "/status", "/more", "/no-such-page",
]  # fmt: skip


async def test_a_chinese_page_shows_no_english(pages: httpx.AsyncClient) -> None:
    left = {}
    for path in SHOWN:
        page = (await pages.get(path)).text
        page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.split("<body")[-1], flags=re.S)
        spoken = re.findall(r">([^<>]+)<", page) + re.findall(
            r"(?:aria-label|placeholder|title)=\"([^\"]+)\"", page
        )
        english = [w.strip() for w in spoken if re.search(r"[A-Za-z]{3,}", ENGLISH_FINE.sub("", w))]
        if english:
            left[path] = english
    assert left == {}


def test_times_are_told_in_the_stores_own_zone() -> None:
    t = Texts("en", "Asia/Shanghai")
    assert t.clock(kit.NOON) == "12:00"
    assert t.when(kit.NOON - 86_400_000, kit.NOON) == "yesterday 12:00"
    assert Texts("zh", "no/such/zone").clock(0) == "00:00"


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "00:00"), (4 * 60_000 + 12_000, "04:12"), (5_399_000, "1:29:59"), (-61_000, "-01:01")],
)
def test_countdowns(ms: int, text: str) -> None:
    assert Texts.countdown(ms) == text
