"""The demo's line is cut for real: connections break, new ones get nowhere, a hole carries nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from server.demo.control import Control
from server.demo.line import Line


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1024):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def line(echo: int) -> AsyncIterator[Line]:
    line = Line("S001", "127.0.0.1", echo)
    await line.start()
    yield line
    await line.stop()


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: bytes) -> bytes:
    writer.write(word)
    return await asyncio.wait_for(reader.read(100), 0.3)


async def test_a_line_that_is_up_carries_both_ways(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    assert await said(reader, writer, b"hello") == b"hello"
    assert (line.bytes_up, line.bytes_down) == (5, 5)
    writer.close()


async def test_a_cut_breaks_what_is_open_and_refuses_what_comes(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    assert await said(reader, writer, b"hello") == b"hello"
    line.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    new_reader, _ = await asyncio.open_connection("127.0.0.1", line.port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await new_reader.readexactly(1)
    line.restore()
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    assert await said(reader, writer, b"again") == b"again"
    writer.close()


async def test_a_hole_keeps_the_connection_and_delivers_late(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    line.cut("hole")
    with pytest.raises(TimeoutError):
        await said(reader, writer, b"late")
    line.restore()
    assert await asyncio.wait_for(reader.read(100), 1) == b"late"
    writer.close()


async def test_the_switch_cuts_and_restores_and_knows_no_other_store(line: Line) -> None:
    control = Control({"S001": line}, "secret")
    await control.start()
    try:
        async with httpx.AsyncClient() as client:
            cut = await client.post(f"{control.url}/line", json={"store": "S001", "cut": True})
            assert cut.json()["S001"]["state"] == "cut"
            assert (await client.get(f"{control.url}/lines")).json()["S001"]["cuts"] == 1
            back = await client.post(f"{control.url}/line", json={"store": "S001", "cut": False})
            assert back.json()["S001"]["state"] == "up"
            other = await client.post(f"{control.url}/line", json={"store": "S009", "cut": True})
            assert other.status_code == 404
            assert (await client.get(control.url.replace("secret", "guess") + "/lines")).status_code == 404
    finally:
        await control.stop()
