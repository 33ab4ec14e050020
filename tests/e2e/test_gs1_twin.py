"""The device reads codes as the store node does: thousands of them, sound and broken.

Twins: pwa/static/gs1.js and sync/rules/codes.py, where biip reads.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from biip.gs1_application_identifiers import _GS1_APPLICATION_IDENTIFIERS as KNOWN

import pwa.statics
from sync.rules.codes import check_digit, scanned

pytestmark = pytest.mark.browser

MANY = 12_000
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZabcxyz0123456789!\"%&'()*+,-./:;<=>?_"
OURS = (
    "00",
    "01",
    "10",
    "11",
    "15",
    "17",
    "21",
    "22",
    "37",
    "310",
    "3103",
    "235",
    "240",
    "90",
    "8006",
    "414",
)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def with_check(rng: random.Random, length: int) -> str:
    body = digits(rng, length - 1)
    return body + str(check_digit(body))


def text(rng: random.Random, most: int = 20) -> str:
    return "".join(rng.choice(SIGNS) for _ in range(rng.randint(1, most)))


def value(rng: random.Random, ai: str) -> str:
    match ai:
        case "00":
            return with_check(rng, 18)
        case "01":
            return with_check(rng, 14)
        case "11" | "15" | "17":
            return f"{digits(rng, 2)}{rng.randint(0, 13):02d}{rng.randint(0, 32):02d}"
        case "10" | "21" | "22" | "235" | "240" | "90":
            return text(rng, 22)
        case "37":
            return digits(rng, rng.randint(1, 8))
        case "3103":
            return digits(rng, 6)
        case _:
            return digits(rng, rng.randint(1, 20))


def message(rng: random.Random) -> str:
    made = rng.choice(["", "", "]C1", "]d2", "]Q3", "]e0", "]J1", "]C0", "]d1", "\x1d"])
    chosen = ["01"] * rng.choice([0, 1, 1, 1]) + rng.choices(OURS, k=rng.randint(0, 4))
    if rng.random() < 0.3:
        chosen.append(rng.choice(list(KNOWN)))
    mark = rng.choice(["\x1d", "~", "{GS}", "<GS>", ""])
    if rng.random() < 0.15:
        return made + "".join(f"({ai}){value(rng, ai)}" for ai in chosen)
    return made + "".join(ai + value(rng, ai) + mark for ai in chosen)


def link(rng: random.Random) -> str:
    host = rng.choice(["id.gs1.org", "x.cn", "shop.example.com:8443", "例.example", "[::1]"])
    made = (
        rng.choice(["https://", "http://", "HTTPS://", "ftp://"])
        + host
        + rng.choice(["", "/p", "/a/b", "/01"])
    )
    key = rng.choice(["01", "01", "01", "00", "414", "8006", "gtin"])
    made += (
        f"/{key}/{rng.choice([with_check(rng, 14), with_check(rng, 13), with_check(rng, 8), digits(rng, 9)])}"
    )
    for ai in rng.choice(
        [[], ["21"], ["10"], ["10", "21"], ["21", "10"], ["22", "10", "21"], ["235"], ["99"]]
    ):
        made += f"/{ai}/{rng.choice([text(rng).replace('/', '%2F'), 'A%2FB', '%zz', '%FF', 'a%C3%A4'])}"
    made += rng.choice(
        ["", "", "/", "?17=261231", "?x=1&17=270100", "?17=991399", "?10=A+B", "?21=", "?10=A%26B&10=C"]
    )
    return made + rng.choice(["", "", "#top", "#/21/X"])


def broken(rng: random.Random, code: str) -> str:
    at = rng.randrange(len(code) + 1)
    match rng.randrange(4):
        case 0:
            return code[:at] + code[at + 1 :]
        case 1:
            return code[:at] + rng.choice(SIGNS + " \x1d~]ä") + code[at:]
        case 2:
            return code[:at]
        case _:
            return code[at:]


def code_of(rng: random.Random) -> str:
    make = rng.choice([message, message, link, plain])
    code = make(rng)
    return broken(rng, code) if rng.random() < 0.3 else code


def plain(rng: random.Random) -> str:
    aim = rng.choice(["", "", "]E0", "]E4", "]I1", "]C0", "]X0"])
    bare = [
        with_check(rng, rng.choice([8, 12, 13, 14])),
        digits(rng, rng.randint(1, 20)),
        text(rng),
        "YP-1042",
    ]
    return aim + rng.choice(bare) + rng.choice(["", "", " ", "\n"])


@pytest.fixture(scope="module")
def page(browser: Any) -> Any:
    page = browser.new_page()
    script = Path(pwa.statics.ROOT / "gs1.js").read_text()
    page.evaluate(script + "\n;0")
    return page


def test_the_device_reads_codes_as_the_node_does(page: Any, rng: random.Random) -> None:
    codes = [code_of(rng) for _ in range(MANY)]
    mine = page.evaluate("(codes) => codes.map((code) => window.yipan.gs1.read(code))", codes)
    theirs = [asdict(scanned(code)) for code in codes]
    differ = [row for row in zip(codes, mine, theirs, strict=True) if row[1] != row[2]]
    assert differ[:5] == [], f"{len(differ)} of {MANY} differ"
    for what in ("gtin", "serial", "lot", "expiry", "sscc"):
        assert sum(1 for one in theirs if one[what]) > MANY / 100, f"the codes hardly ever carry {what}"
    assert sum(1 for one in theirs if not one["gtin"]) > MANY / 10


def test_the_device_knows_every_identifier_that_the_node_knows(page: Any, rng: random.Random) -> None:
    """And takes for sound what the node takes for sound, with data of every length."""
    gtin = "01" + with_check(rng, 14)
    codes = [
        f"{gtin}{ai}{rng.choice([digits(rng, n), text(rng, n)])}"
        for ai in KNOWN
        for n in (1, 3, 6, 10, 14, 20, 30)
    ]
    mine = page.evaluate("(codes) => codes.map((code) => window.yipan.gs1.read(code))", codes)
    theirs = [asdict(scanned(code)) for code in codes]
    assert [row for row in zip(codes, mine, theirs, strict=True) if row[1] != row[2]][:5] == []
