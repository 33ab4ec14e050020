"""The main job, end to end: accepted online, the line cut in the middle, everything agrees in the end."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from server.demo.chain import Chain
from server.demo.customers import Shop
from server.demo.settle import judged, until_quiet
from tests.e2e.kit_main_job import Handheld, Manager, PatientChain, at_store, digests, open_chain, rows, turns
from tests.fault.kit import eventually

pytestmark = pytest.mark.browser


async def test_an_order_accepted_online_is_worked_with_the_line_cut_and_everything_agrees_when_it_is_back(
    tmp_path: Path, chromium: Any, rng: random.Random
) -> None:
    async with open_chain(PatientChain(tmp_path, stores=2, policy={"accept_s": 1800})) as chain:
        shop = Shop(chain, "APP", chain.keys.app, rng)
        before = stock(chain, "TEE-INK-M"), stock(chain, "BELT-BRO")
        bought = await shop.order("pickup", [("TEE-INK-M", 2), ("BELT-BRO", 1)], store="S001")
        pda = await Handheld.sign_in(chromium, chain, "S001-1")
        board = await Manager.sign_in(chromium, chain)

        # Online: the offer appears by itself, is accepted and confirmed.
        await pda.says(bought.order_no)
        await pda.accept_all()
        await eventually(lambda: owns(chain, bought.order_no), "the acceptance is confirmed")

        # The line is cut at the board. The handheld says so, and the work goes on.
        await board.cut("S001")
        await pda.page.get_by_text(re.compile("line (is )?down", re.I)).first.wait_for()
        await pda.tab("work")
        await pda.pick("TEE-INK-M", "TEE-INK-M", "BELT-BRO")
        await pda.pack_and_stage("P1-3")
        turn = at_store(chain, "S001", bought.order_no)
        assert turn is not None
        await pda.hand_over(turn["fence"], "000000" if bought.pickup_code != "000000" else "111111")
        await pda.page.locator(".fb.bad").wait_for()
        await pda.hand_over(turn["fence"], bought.pickup_code)
        await pda.says("Handed over. Thank the shopper.")
        await pda.take_return(bought.order_no, "Leather belt")
        await pda.page.get_by_role("link", name=re.compile("Leather belt")).wait_for()

        # The centre has heard nothing of it.
        assert turns(chain, bought.order_no)[-1]["state"] == "accepted"

        # The line is back: order, stock, board and both digests agree.
        await board.restore("S001")
        await eventually(lambda: turns(chain, bought.order_no)[-1]["state"] == "released", "it is released")
        quiet = await until_quiet(chain, 30)
        assert quiet.reached, quiet
        mine, theirs = digests(chain, "S001")
        assert mine == theirs
        words = await board.opens(bought.order_no)
        assert "Lin" in words
        assert re.search("handed over", words, re.I)
        after = stock(chain, "TEE-INK-M"), stock(chain, "BELT-BRO")
        assert after[0]["on_hand"] == before[0]["on_hand"] - 2
        assert after[1]["on_hand"] == before[1]["on_hand"] - 1
        assert after[1]["hold"] == 1
        assert [one["reserved"] for one in after] == [0, 0]
        order = await shop.read(bought.order_no)
        assert order["state"] == "done"
        assert "handed_over" in [event["kind"] for event in order["history"]]
        await board.row("S001").get_by_text("up").first.wait_for()
        found = judged(chain, settled=True)
        assert found["ok"], found


def owns(chain: Chain, order_no: str) -> bool:
    turn = at_store(chain, "S001", order_no)
    return turn is not None and turn["ownership"] == "confirmed"


def stock(chain: Chain, sku: str) -> Any:
    return rows(chain.database, "SELECT * FROM stock WHERE store = 'S001' AND sku = ?", sku)[0]
