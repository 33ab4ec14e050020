"""Training: a day of work on made-up orders, of which the real record and its sessions know nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa.training import node as training
from pwa.training.node import TrainingNode
from pwa.training.orders import CODE, PIN
from pwa.training.pages import bars
from pwa.training.school import store_rows
from sync.rules.secrets import hash_pin
from tests import kit_pwa as kit
from tests.kit_training import Store, everything, served

SHOPPERS = ("L. Wang", "4821", kit.CODE)


@pytest.fixture
def real(tmp_path: Path) -> Any:
    node = kit.store(tmp_path / "real.db")
    kit.busy(node)
    yield node
    node.close()


@pytest.fixture
async def practice(tmp_path: Path, real: kit.DemoNode, rng: random.Random) -> AsyncIterator[TrainingNode]:
    rows = store_rows(real.db, kit.STORE, hash_pin(PIN, b"0" * 16))
    clock = iter(range(kit.NOON, kit.NOON + 10**9, 10))
    node = TrainingNode(tmp_path / "training", kit.STORE, rows, clock=lambda: next(clock), dice=rng.randbytes)
    await node.start()
    yield node
    await node.stop()


async def do(node: TrainingNode, name: str, person: str = "p1", **args: Any) -> dict[str, Any]:
    outcome = await node.perform(name, args, command_id=node._new_id(), person=person, device="HTRAIN1")
    assert outcome.ok, (name, outcome.refusal)
    return outcome.result


async def test_an_order_of_each_kind_is_worked_to_its_end(practice: TrainingNode, real: kit.DemoNode) -> None:
    before = everything(real)
    for _ in range(len(training.orders.KINDS) - training.FIRST_OFFERS):
        await practice.more()
    turns = practice.look(lambda db: [tuple(r) for r in db.execute("SELECT fence, kind FROM assignment")])
    assert len(turns) == len(training.orders.KINDS)
    for fence, kind in turns:
        await do(practice, "accept", fence=fence)
        owns = practice.look(
            lambda db, f=fence: db.execute(
                "SELECT ownership FROM assignment WHERE fence = ?", (f,)
            ).fetchone()[0]
        )
        assert owns == "confirmed", "the centre's word is there with the acceptance"
        await do(practice, "start_wave", fences=[fence])
        lines = practice.look(
            lambda db, f=fence: [
                tuple(r) for r in db.execute("SELECT line, qty FROM assignment_line WHERE fence = ?", (f,))
            ]
        )
        for line, qty in lines:
            await do(practice, "pick", fence=fence, line=line, qty=qty)
        await do(practice, "pack", fence=fence)
        if kind == "pickup":
            await do(practice, "stage", fence=fence, location="P-1")
            await do(practice, "hand_over", fence=fence, code=CODE)
    facts, told = practice.look(
        lambda db: db.execute("SELECT count(*), sum(verdict = 'applied') FROM fact").fetchone()
    )
    assert facts == told > 20, "nothing in it waits to be sent"
    assert everything(real) == before
    assert not hasattr(practice, "line")
    assert not hasattr(practice, "end")


async def test_offers_come_and_go_by_themselves_and_do_not_pile_up(
    practice: TrainingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = kit.NOON

    def at(later: int) -> None:
        practice._clock = lambda: now + later

    def waiting() -> int:
        return int(
            practice.look(
                lambda db: db.execute("SELECT count(*) FROM assignment WHERE state = 'offered'").fetchone()[0]
            )
        )

    assert waiting() == training.FIRST_OFFERS
    for n in range(1, 8):
        at(n * 2 * training.NEXT_MS)
        await practice.tick()
    assert waiting() == training.OPEN_OFFERS
    at(8 * 2 * training.NEXT_MS + training.orders.ACCEPT_MS)
    await practice.tick()
    assert waiting() == 1, "what nobody answered has lapsed, and one more has come"


def test_what_a_training_takes_along_has_no_pin_no_shopper_and_no_stock(real: kit.DemoNode) -> None:
    rows = store_rows(real.db, kit.STORE, "made-up")
    text = repr(rows)
    hashes = [row[0] for row in real.db.execute("SELECT pin_hash FROM person")]
    assert not [word for word in (*SHOPPERS, *hashes) if word in text]
    assert {row[0] for row in rows["catalogue"]} == {goods[0] for goods in kit.GOODS}
    assert set(rows) == {"catalogue", "shelves:S001", "people:S001", "stores", "policy"}


def test_codes_on_the_screen_read_back() -> None:
    import io
    from urllib.parse import unquote

    import zxingcpp
    from PIL import Image, ImageDraw

    svg = unquote(bars("6901234560019"))
    import re

    box = re.search(r'viewBox="0 0 (\d+)', svg)
    assert box is not None
    whole = int(box[1])
    image = Image.new("L", (whole * 3, 120), 255)
    draw = ImageDraw.Draw(image)
    for x, width in re.findall(r"M(\d+) 0h(\d+)v", svg):
        draw.rectangle((int(x) * 3, 0, (int(x) + int(width)) * 3 - 1, 120), fill=0)
    image.save(io.BytesIO(), "PNG")
    assert [one.text for one in zxingcpp.read_barcodes(image)] == ["6901234560019"]


async def sign_in(http: httpx.AsyncClient, base: str, person: str, pin: str, csrf: str) -> httpx.Response:
    await http.get(f"{base}/sign-in")
    return await http.post(
        f"{base}/sign-in", data={"person": person, "pin": pin, "_csrf_token": http.cookies[csrf]}
    )


async def posted(
    http: httpx.AsyncClient, store: Store, base: str, path: str, **fields: str
) -> httpx.Response:
    csrf = "training_csrftoken" if base == store.training else "csrftoken"
    data = {"command": store.node.new_id(), **fields, "_csrf_token": http.cookies[csrf]}
    return await http.post(base + path, data=data)


async def test_a_lead_opens_it_and_both_sides_keep_their_own_session(
    real: kit.DemoNode, tmp_path: Path
) -> None:
    with served(real, tmp_path / "training") as store:
        # One jar for both ports, as browsers have it.
        async with httpx.AsyncClient(headers={"accept": "text/html"}) as http:
            await sign_in(http, store.address, "p1", kit.PIN, "csrftoken")
            refused = await posted(http, store, store.address, "/training/begin")
            assert "could not be opened" in refused.text
            assert store.training == ""
            await sign_in(http, store.address, "p3", kit.LEAD_PIN, "csrftoken")
            opened = await posted(http, store, store.address, "/training/begin")
            assert f"{store.training}/orders" in opened.text
            before = everything(real)
            wrong = await sign_in(http, store.training, "p1", kit.PIN, "training_csrftoken")
            assert wrong.status_code == 401, "real PINs are not known there"
            assert (await sign_in(http, store.training, "p1", PIN, "training_csrftoken")).status_code == 303
            page = await http.get(f"{store.training}/orders")
            assert 'class="school"' in page.text
            assert f'href="{store.address}/training"' in page.text
            assert "T-1001" in page.text
            done = await posted(http, store, store.training, "/offers/accept", fence="1")
            assert done.headers["x-outcome"] == "ok"
            # A session of one side is none of the other, whatever name it comes under.
            for name, theirs, base in (
                ("session", "training_session", store.address),
                ("training_session", "session", store.training),
            ):
                async with httpx.AsyncClient(cookies={name: http.cookies[theirs]}) as forger:
                    assert (await forger.get(f"{base}/orders")).status_code in (303, 401)
            real_page = await http.get(f"{store.address}/orders?tab=offers")
            assert 'class="school"' not in real_page.text
            assert "T-1001" not in real_page.text
            assert "Chen Lead" in real_page.text, "still signed in as the lead"
            codes = await http.get(f"{store.training}/training")
            assert CODE in codes.text
            # Over again: the same people, fresh orders.
            await posted(http, store, store.training, "/training/over")
            again = await http.get(f"{store.training}/orders?tab=work")
            assert again.status_code == 200
            assert "T-1001" not in again.text
            for path in ("/twin/extract", "/twin/commands", "/health"):
                await http.get(store.training + path)
            assert everything(real) == before
            over = await posted(http, store, store.address, "/training/end")
            assert "Nothing of it is kept" in over.text
            assert not (tmp_path / "training" / "1").exists()
            assert not (tmp_path / "training" / "2").exists()


async def test_it_ends_with_the_real_pages(real: kit.DemoNode, tmp_path: Path) -> None:
    with served(real, tmp_path / "training") as store:
        async with httpx.AsyncClient() as http:
            await sign_in(http, store.address, "p3", kit.LEAD_PIN, "csrftoken")
            await posted(http, store, store.address, "/training/begin")
            base = store.training
            assert (await http.get(f"{base}/health")).status_code == 200
    await asyncio.sleep(0)
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{base}/health")
