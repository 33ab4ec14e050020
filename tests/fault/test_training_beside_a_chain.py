"""A training in the store box's own process, over HTTPS, with the line up: the chain hears nothing of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pwa.training.orders import CODE, PIN
from tests.fault.kit import Associate, Chain, all_is_well, rows

COUNTS = (
    "SELECT (SELECT count(*) FROM fact) AS facts, (SELECT count(*) FROM command) AS commands,"
    " (SELECT count(*) FROM assignment) AS turns, (SELECT sum(on_hand) FROM stock) AS units"
)


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    chain = Chain(tmp_path, stores=1, policy={"accept_s": 600})
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()


def standing(chain: Chain) -> tuple[Any, ...]:
    centre = rows(chain.database, "SELECT count(*) AS facts FROM fact")[0]["facts"]
    return (centre, *rows(chain.replica("S001"), COUNTS)[0])


async def test_what_is_practised_over_https_reaches_neither_the_record_nor_the_centre(chain: Chain) -> None:
    url = chain.secure_url("S001")
    lead = Associate(url, next(p for p in chain.staff("S001") if p.role == "store_lead"), trust=chain.trust)
    await lead.sign_in()
    page = await lead.open("/training")
    page = await lead.hands.send(page.form("/training/begin"))
    where = re.search(r'href="(https://[^"/]+)/orders"', page.html)
    assert where, page.text
    before = standing(chain)

    new = Associate(where[1], replace(chain.person("S001-1"), pin=PIN), trust=chain.trust)
    await new.sign_in()
    assert 'class="school"' in (await new.open("/orders")).html
    offers = await new.offers()
    assert offers == [1, 2, 3]
    await new.accept(1)
    await new.fulfil([1], "P-1")
    handed = await new.hand_over(1, CODE)
    assert handed.ok, handed.text
    assert standing(chain) == before, "no fact, no command, no turn and no unit moved"

    # The box is told to stop with the training open, and takes it along.
    await chain.children["S001"].end()
    assert list((chain.folder / "S001" / "training").glob("*/*")) == []
    await chain.start_part("S001")
    assert standing(chain) == before
    await new.close()
    await lead.close()
    await all_is_well(chain)
