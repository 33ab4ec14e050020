"""Whoever picks and packs sees what an article stands in for, and which other part of its order is here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa.app import make_app
from pwa.printing.paper import Square
from pwa.printing.papers import made
from pwa.twin.extract import extract
from sync.replica.rebase import rebase
from sync.sqlite import writing
from sync.wire import decisions as d
from sync.wire.snapshot import SnapAssignment, SnapLine, Snapshot
from tests import kit_pwa as kit
from tests.property.test_twin_deeds import desk_at
from tests.unit.test_pwa_work import Hand, words

SHIRT, JEANS, CAP = kit.GOODS[0][0], kit.GOODS[2][0], kit.GOODS[4][0]
ORDER = "YP-001077"


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    """An order half picked, and the part of it that brings caps instead of shirts."""
    node = kit.store(tmp_path / "replica.db")
    node.accepted(1, [(SHIRT, 2), (JEANS, 1)], order=ORDER)
    node.do("start_wave", fences=[1])
    node.offer(2, [(CAP, 2)], order=ORDER, instead_of=SHIRT)
    node.offer(3, [(CAP, 1)])
    return node


@pytest.fixture
async def hand(node: kit.DemoNode) -> AsyncIterator[Hand]:
    app: Any = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        yield await Hand(http, node).sign_in()


async def test_offer_order_pick_and_pack_page_say_it_in_the_readers_language(
    hand: Hand, node: kit.DemoNode
) -> None:
    said = {"en": "Instead of 2× Linen shirt, sand, Size M", "zh": "替代 2× 亚麻衬衫 沙色"}
    beside = {"en": f"Part of {ORDER}. Its other part is here: being picked", "zh": f"属于订单 {ORDER}"}

    async def told(path: str, language: str) -> str:
        await hand.send("/language", language=language)
        return await hand.see(path)

    for language in ("en", "zh"):
        page = await told("/offers/2", language)
        assert said[language] in page
        assert beside[language] in page
        assert said[language] not in await told("/offers/1", language)
        page = await told("/offers/3", language)
        assert said[language][:6] not in page
        assert beside[language][:6] not in page
    node.do("accept", fence=2)
    node.confirm(2)
    wave = (await hand.send("/waves", fence=2)).headers["hx-push-url"]
    assert said["zh"] in await hand.see(wave)
    for _ in range(2):
        await hand.send(f"{wave}/scan", code=CAP)
    for path in ("/pack/2", "/pack/2?parcels=2", "/orders/2"):
        assert said["en"] in await told(path, "en"), path
        assert beside["en"] + " · Tote A" in await told(path, "en"), path
    assert 'href="/pack/2"' in (await hand.http.get("/orders/1")).text, "and the way back"


async def test_the_counter_says_that_another_part_waits_and_where(hand: Hand, node: kit.DemoNode) -> None:
    """Else the shopper goes home with half of it, and comes again."""
    node.staged(11, [(SHIRT, 1)], order="YP-2", shelf="P-3")
    node.staged(12, [(CAP, 1)], order="YP-2", shelf="P-7", instead_of=JEANS)
    told = "Part of YP-2. Its other part is here: waiting on the shelf · P-7"
    assert told in await hand.see("/handover/11")
    node.do("hand_over", fence=11, code=kit.CODE)
    assert told in await hand.see("/handover/11")
    assert "Its other part" not in await hand.see("/handover/12")


async def test_a_part_that_is_over_or_withdrawn_is_not_waited_for(hand: Hand, node: kit.DemoNode) -> None:
    node.decide(d.Withdrawn("cancelled"), 2)
    assert "Its other part" not in await hand.see("/orders/1")


def test_the_paper_says_it(node: kit.DemoNode) -> None:
    node.do("accept", fence=2)
    wave = node.do("start_wave", fences=[2])["wave"]
    for language, text in (("en", "Instead of 2× Linen shirt, sand"), ("zh", "替代 2× 亚麻衬衫 沙色")):
        [line] = [
            block
            for block in made(node.db, "pick_list", wave, language, node.now).blocks
            if isinstance(block, Square) and block.code == CAP
        ]
        assert text in [say.text for say in line.says]
        assert all(say.instead.isascii() for say in line.says if not say.text.isascii())


def test_a_handheld_takes_the_missing_article_s_name_along(node: kit.DemoNode) -> None:
    node.decide(d.Withdrawn("cancelled"), 1)
    told = extract(desk_at(node))
    assert [line["instead_of"] for turn in told["turns"] for line in turn["lines"]] == [SHIRT, ""]
    assert told["items"][SHIRT]["name_en"].startswith("Linen shirt")


def test_a_box_that_starts_anew_knows_it_too(node: kit.DemoNode) -> None:
    turn = SnapAssignment(
        2, "F-2", ORDER, "pickup", 1, node.now + kit.MIN, (SnapLine(1, CAP, 2, instead_of=SHIRT),)
    )
    with writing(node.db):
        node.db.execute("UPDATE assignment_line SET instead_of = ''")
        ctx = node.context("node", "node", "auto:r")
        rebase(
            node.db, Snapshot(store="S001", made_at=node.now, decisions=9, facts=0, assignments=(turn,)), ctx
        )
    assert node.db.execute("SELECT instead_of FROM assignment_line WHERE fence = 2").fetchone()[0] == SHIRT


async def test_an_article_nobody_here_knows_is_named_by_its_code(hand: Hand, node: kit.DemoNode) -> None:
    node.offer(9, [(CAP, 1)], instead_of="OLD-<b>-1")
    assert "Instead of 1× OLD-<b>-1" in words((await hand.http.get("/offers/9")).text)
