"""Nobody accepts: at thirty minutes the order moves by itself, and the late acceptance gets its verdict."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from server.demo.customers import Shop
from server.demo.settle import judged, until_quiet
from tests.e2e.kit_main_job import Handheld, VirtualChain, at_store, open_chain, rows, turns
from tests.fault.kit import eventually

pytestmark = pytest.mark.browser


async def test_nobody_accepts_and_at_thirty_minutes_the_order_moves_and_the_late_acceptance_has_its_verdict(
    tmp_path: Path, chromium: Any, rng: random.Random
) -> None:
    async with open_chain(VirtualChain(tmp_path, stores=3, policy={"may_move_km": 300})) as chain:
        assert isinstance(chain, VirtualChain)
        shop = Shop(chain, "APP", chain.keys.app, rng)
        bought = await shop.order("shipment", [("KNIT-MOS-M", 1)], near="S003")
        first = turns(chain, bought.order_no)[0]
        assert first["store"] == "S003"
        assert first["accept_by"] - first["offered_at"] == 30 * 60_000
        pda = await Handheld.sign_in(chromium, chain, "S003-1")
        await pda.says(bought.order_no)
        chain.lines["S003"].cut()
        await pda.page.get_by_text(re.compile("line (is )?down", re.I)).first.wait_for()

        # One second before the deadline nothing moves, right after it everything does.
        left_ms = first["accept_by"] - chain.clock.wall()
        await chain.minutes_pass((left_ms - 3_000) / 60_000)
        assert len(turns(chain, bought.order_no)) == 1
        await chain.minutes_pass(6 / 60)
        second = turns(chain, bought.order_no)[1]
        assert second["store"] in ("S001", "S002")
        assert 0 <= second["offered_at"] - first["accept_by"] < 60_000
        assert second["fence"] > first["fence"]
        assert turns(chain, bought.order_no)[0]["ended_reason"] == "lapsed"

        # The first store could not know. What it did is a fact, and has its verdict.
        await pda.sign_in_again()
        accepts = await late_acceptance(pda, chain, bought.order_no)
        chain.lines["S003"].restore()
        await eventually(lambda: withdrawn(chain, bought.order_no), "S003 hears that the order moved")
        if accepts:
            verdicts = rows(
                chain.database, "SELECT verdict FROM fact WHERE store = 'S003' AND kind = 'accepted'"
            )
            assert [one["verdict"] for one in verdicts] == ["late"]
        # The second store has it, and the first is not asked again.
        other = await Handheld.sign_in(chromium, chain, f"{second['store']}-1")
        await other.accept_all()
        await eventually(
            lambda: turns(chain, bought.order_no)[-1]["ownership"] == "confirmed", "S002 owns it"
        )
        assert [one["store"] for one in turns(chain, bought.order_no)] == ["S003", second["store"]]
        assert (await until_quiet(chain, 20)).reached
        found = judged(chain, settled=True)
        assert found["ok"], found


async def late_acceptance(pda: Handheld, chain: VirtualChain, order_no: str) -> bool:
    """Whether the node took an acceptance after its own clock had passed the deadline."""
    turn = at_store(chain, "S003", order_no)
    assert turn is not None
    await pda.page.goto(f"{chain.node_url('S003')}/offers/{turn['fence']}")
    button = pda.page.get_by_role("button", name="Accept")
    if not await button.count():
        return False
    await button.click()
    await pda.page.locator(".fb").first.wait_for()
    turn = at_store(chain, "S003", order_no)
    return turn is not None and turn["accepted_at"] > 0


def withdrawn(chain: VirtualChain, order_no: str) -> bool:
    turn = at_store(chain, "S003", order_no)
    return turn is not None and bool(turn["withdrawn"])
