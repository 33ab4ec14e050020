"""Two PDAs count two areas with the line cut and a sale in between; another person confirms what differs."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.db import open_centre
from server.demo.chain import Chain
from server.demo.settle import judged, until_quiet
from server.policy.store import set_store_policy
from sync.sqlite import writing
from tests.e2e.kit_main_job import GTIN, Handheld, Manager, PatientChain, digests, open_chain, rows
from tests.fault.kit import eventually

pytestmark = pytest.mark.browser

TEE, BELT = "TEE-INK-M", "BELT-BRO"


@dataclass
class CountingChain(PatientChain):
    """One person may book a difference of two units."""

    def _seed(self) -> None:
        super()._seed()
        centre = open_centre(self.database)
        try:
            with writing(centre):
                set_store_policy(centre, "count_review_units", "2")
        finally:
            centre.close()


async def test_two_people_count_two_areas_offline_and_another_one_confirms_the_difference(
    tmp_path: Path, chromium: Any, rng: random.Random
) -> None:
    async with open_chain(CountingChain(tmp_path, stores=2)) as chain:
        lead = next(p for p in chain.people if p.store == "S001" and p.role == "store_lead")
        tee, belt = there(chain, TEE), there(chain, BELT)
        assert tee >= 5
        board = await Manager.sign_in(chromium, chain)
        wei = await Handheld.sign_in(chromium, chain, "S001-1")
        amy = await Handheld.sign_in(chromium, chain, lead.id)

        # The lead opens a full count with the line cut; both see it.
        await board.cut("S001")
        url = await opens(amy, "Autumn")
        sheet = url.rsplit("/", 1)[1]
        await wei.page.goto(f"{chain.node_url('S001')}/count")
        await wei.page.get_by_role("link", name=re.compile("Autumn")).click()
        await wei.page.get_by_role("link", name=re.compile("Shop floor")).click()

        # Wei counts the shop floor by scanning: another item saves the one before.
        await wei.scan(GTIN[TEE])
        assert not await wei.page.get_by_text("by the books").count(), "a blind count tells no figure"
        await wei.scan(GTIN[TEE])
        await shown(wei, 2)
        await wei.scan(GTIN[BELT])
        await shown(wei, 1)
        assert entries(chain, sheet) == [("Shop floor", TEE, 2)], "what was scanned before is written down"
        await set_to(wei, belt)
        await wei.page.get_by_role("button", name="This is what lies here").click()
        await wei.says(f"Counted: {belt} unit")

        # A shopper buys one off the shop floor meanwhile.
        await sells(chain, TEE)

        # The lead counts the back room at the same time and overlooks the rest of the shirts.
        await amy.page.goto(f"{url}/2")
        await amy.scan(GTIN[TEE])
        await set_to(amy, 0)
        await amy.page.get_by_role("button", name="This is what lies here").click()
        for person, number in ((wei, 1), (amy, 2)):
            await person.page.goto(f"{url}/{number}")
            await person.page.get_by_role("button", name="Area finished").click()
            await person.page.get_by_role("button", name="Yes, finished").click()
            await person.says("is finished.")

        # What nobody saw stays in the books here; the shirts differ and moved: nothing is booked yet.
        await amy.page.goto(url)
        await amy.page.get_by_text("Leave the books as they are").click()
        await amy.page.get_by_role("button", name="Close the count").click()
        await amy.says("The count is closed.")
        assert there(chain, TEE) == tee - 1

        # The lead counted some of it herself and may not confirm that: Wei counts again, and then she may.
        await amy.page.goto(f"{chain.node_url('S001')}/counts/differences")
        await tick(amy, TEE)
        await amy.page.get_by_role("button", name="Confirm what is ticked").click()
        await amy.says("the difference is above what one person may book")
        await amy.page.get_by_text("Count one of them again").click()
        await amy.page.get_by_role("button", name="Have it counted again").click()
        await amy.says("somebody else counts it again")
        await wei.page.goto(f"{chain.node_url('S001')}/count/{TEE}")
        await set_to(wei, 1)
        await wei.page.get_by_role("button", name="This is what lies here").click()
        await wei.says("a second one confirms it")
        assert there(chain, TEE) == tee - 1
        await amy.page.goto(f"{chain.node_url('S001')}/counts/differences")
        await tick(amy, TEE)
        await amy.page.get_by_role("button", name="Confirm what is ticked").click()
        await amy.says("1 difference is in the books.")
        assert there(chain, TEE) == 1
        assert rows(chain.database, "SELECT 1 FROM fact WHERE kind LIKE 'count%' AND store = 'S001'") == []

        # The line is back: both sides agree, and the board tells who counted and who confirmed.
        await board.restore("S001")
        await eventually(lambda: at_centre(chain, TEE) == 1, "the count came home")
        quiet = await until_quiet(chain, 30)
        assert quiet.reached, quiet
        mine, theirs = digests(chain, "S001")
        assert mine == theirs
        page = await board.page.context.new_page()
        await page.goto(f"{chain.centre_url}/stores/S001/counts")
        words = await page.locator("main").inner_text()
        assert "Autumn" in words
        assert f"confirmed by {lead.name}" in words
        found = judged(chain, settled=True)
        assert found["ok"], found


async def opens(lead: Handheld, name: str) -> str:
    node = lead.chain.node_url("S001")
    await lead.page.goto(f"{node}/count")
    await lead.page.get_by_role("link", name="New count").click()
    await lead.page.get_by_label("Name, if it has one").fill(name)
    await lead.page.get_by_role("button", name="Open the count").click()
    await lead.says("The count is open.")
    [row] = rows(lead.chain.replica("S001"), "SELECT id FROM count_sheet")
    return f"{node}/counts/{row['id']}"


async def shown(pda: Handheld, number: int) -> None:
    await pda.page.wait_for_function(
        "n => document.querySelector('.stepper input')?.value === String(n)", arg=number
    )


async def set_to(pda: Handheld, number: int) -> None:
    await pda.page.locator(".stepper input").fill(str(number))


async def tick(pda: Handheld, sku: str) -> None:
    box = pda.page.locator(f"input[name=sku][value='{sku}']")
    if not await box.is_checked():
        await box.check()


async def sells(chain: Chain, sku: str) -> None:
    async with httpx.AsyncClient(base_url=chain.node_url("S001"), trust_env=False) as http:
        answer = await http.post(
            "/till/sales",
            json={"sale": "A-1", "rows": [{"code": sku, "qty": 1}], "insist": True},
            headers={"authorization": f"Bearer {chain.keys.till}"},
        )
        assert answer.is_success, answer.text


def there(chain: Chain, sku: str) -> int:
    [row] = rows(chain.replica("S001"), "SELECT on_hand FROM stock WHERE sku = ?", sku)
    return int(row["on_hand"])


def at_centre(chain: Chain, sku: str) -> int:
    [row] = rows(chain.database, "SELECT on_hand FROM stock WHERE store = 'S001' AND sku = ?", sku)
    return int(row["on_hand"])


def entries(chain: Chain, sheet: str) -> list[tuple[Any, ...]]:
    found = rows(chain.replica("S001"), "SELECT area, sku, found FROM count_entry WHERE sheet = ?", sheet)
    return [tuple(row) for row in found]
