"""An offer accepted with the line cut: confirmed when the line is back in time, a put-back when it is not."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from server.demo.customers import Shop
from server.demo.settle import judged, until_quiet
from tests.e2e.kit_main_job import GTIN, Handheld, Manager, VirtualChain, at_store, digests, open_chain, turns
from tests.fault.kit import eventually

pytestmark = pytest.mark.browser


def state(chain: VirtualChain, store: str, order_no: str, column: str = "ownership") -> str:
    turn = at_store(chain, store, order_no)
    return str(turn[column]) if turn is not None else ""


async def test_an_offer_accepted_offline_is_confirmed_when_the_line_is_back_in_time(
    tmp_path: Path, chromium: Any, rng: random.Random
) -> None:
    async with open_chain(VirtualChain(tmp_path, stores=2, policy={"may_move_km": 300})) as chain:
        assert isinstance(chain, VirtualChain)
        shop = Shop(chain, "APP", chain.keys.app, rng)
        pda = await Handheld.sign_in(chromium, chain, "S001-1")
        bought = await shop.order("pickup", [("SCARF-ROS", 1)], store="S001")
        await pda.says(bought.order_no)
        chain.lines["S001"].cut()
        await pda.page.get_by_text(re.compile("line (is )?down", re.I)).first.wait_for()

        await pda.accept_all()
        assert state(chain, "S001", bought.order_no) == "provisional"
        await pda.pick("SCARF-ROS")
        await pda.pack_and_stage("P2-1")
        await chain.minutes_pass(20)
        await pda.sign_in_again()

        # Not confirmed: it may wait on its shelf, and does not leave.
        turn = at_store(chain, "S001", bought.order_no)
        assert turn is not None
        await pda.page.goto(f"{chain.node_url('S001')}/handover/{turn['fence']}")
        await pda.says("It must not leave without the lead.")
        await pda.page.get_by_role("button", name="Hand over").click()
        await pda.says("The store lead chooses their name and types their PIN here.")
        assert state(chain, "S001", bought.order_no, "state") == "staged"

        chain.lines["S001"].restore()
        await eventually(
            lambda: state(chain, "S001", bought.order_no) == "confirmed", "the acceptance is confirmed"
        )
        await pda.hand_over(turn["fence"], bought.pickup_code)
        await pda.says("Handed over. Thank the shopper.")
        assert (await until_quiet(chain, 20)).reached
        assert [one["store"] for one in turns(chain, bought.order_no)] == ["S001"]
        found = judged(chain, settled=True)
        assert found["ok"], found


async def test_an_offer_accepted_offline_becomes_a_put_back_when_the_line_is_back_too_late(
    tmp_path: Path, chromium: Any, rng: random.Random
) -> None:
    async with open_chain(VirtualChain(tmp_path, stores=2, policy={"may_move_km": 300})) as chain:
        assert isinstance(chain, VirtualChain)
        shop = Shop(chain, "APP", chain.keys.app, rng)
        pda = await Handheld.sign_in(chromium, chain, "S001-1")
        bought = await shop.order("pickup", [("SCARF-ROS", 1)], store="S001")
        await pda.says(bought.order_no)
        chain.lines["S001"].cut()
        await pda.page.get_by_text(re.compile("line (is )?down", re.I)).first.wait_for()
        await pda.accept_all()
        await pda.pick("SCARF-ROS")
        await pda.pack_and_stage("P2-1")

        await chain.minutes_pass(31)
        moved = turns(chain, bought.order_no)
        assert [one["store"] for one in moved] == ["S001", "S002"]
        assert moved[0]["ended_reason"] == "lapsed"
        await pda.sign_in_again()
        other = await Handheld.sign_in(chromium, chain, "S002-1")
        await other.accept_all()

        # Back too late: told in plain words who has it now, and what goes back to the shelf.
        chain.lines["S001"].restore()
        await eventually(
            lambda: state(chain, "S001", bought.order_no, "state") == "put_back", "the store hears it"
        )
        await pda.page.goto(f"{chain.node_url('S001')}/orders")
        await pda.says("Xujiahui")
        turn = at_store(chain, "S001", bought.order_no)
        assert turn is not None
        await pda.page.goto(f"{chain.node_url('S001')}/putback/{turn['fence']}")
        await pda.scan(GTIN["SCARF-ROS"])
        await eventually(
            lambda: state(chain, "S001", bought.order_no, "state") == "closed", "the scarf is back"
        )

        await other.pick("SCARF-ROS")
        await other.pack_and_stage("P1-1")
        theirs = at_store(chain, "S002", bought.order_no)
        assert theirs is not None
        await other.hand_over(theirs["fence"], bought.pickup_code)
        await other.says("Handed over. Thank the shopper.")

        assert (await until_quiet(chain, 20)).reached
        board = await Manager.sign_in(chromium, chain)
        assert re.search("lapsed|in time", await board.opens(bought.order_no), re.I)
        for store in chain.codes:
            here, there = digests(chain, store)
            assert here == there
        found = judged(chain, settled=True)
        assert found["ok"], found
