"""A node with the wrong credentials, and a second node on one folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.demo.staff import Associate
from tests.fault.kit import Chain, all_is_well, eventually, facts_at, rows


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    chain = Chain(tmp_path, stores=2, policy={"accept_s": 600})
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()


async def test_a_node_with_another_stores_token_is_refused_with_a_reason_and_changes_nothing(
    chain: Chain,
) -> None:
    await chain.children["S002"].end()
    before = facts_at(chain, "S002")
    child = chain.children["S002"]
    child.env["YIPAN_TOKEN"] = chain.keys.tokens["S001"]
    await chain.start_part("S002")
    await asyncio.sleep(2)
    async with httpx.AsyncClient() as client:
        health = (await client.get(child.health)).json()
    assert health["line"] == "down"
    assert facts_at(chain, "S002") == before
    sessions = rows(chain.database, "SELECT closed_at FROM store_session WHERE store = 'S002'")
    assert sessions[0]["closed_at"] > 0
    # With its own token again it simply goes on.
    await child.end()
    child.env["YIPAN_TOKEN"] = chain.keys.tokens["S002"]
    await chain.start_part("S002")
    wu = Associate(chain.node_url("S002"), chain.person("S002-1"))
    await eventually(wu.line_is_up, "the line of S002 comes back")
    await wu.close()
    await all_is_well(chain)


async def test_a_second_node_on_one_folder_refuses_to_start_and_the_first_works_on(chain: Chain) -> None:
    from server.demo.processes import Child, free_port

    first = chain.children["S001"]
    port = str(free_port())
    command = [port if word == str(chain.node_ports["S001"]) else word for word in first.command]
    second = Child("S001-second", command, chain.folder / "logs" / "second.log", first.health, first.env)
    second.start()
    assert second.process is not None
    code = await asyncio.to_thread(second.process.wait, 20)
    assert code != 0
    assert "Traceback" not in second.tail(40), second.tail(40)
    assert "Another node works on" in second.tail(40)
    lin = Associate(chain.node_url("S001"), chain.person("S001-1"))
    await lin.sign_in()
    assert await lin.line_is_up()
    await lin.close()
