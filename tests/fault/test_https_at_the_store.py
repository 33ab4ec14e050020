"""Store nodes over real HTTPS: certificates that come with the line, end without it, or are brought along."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pwa.secure import papers
from server.certificates.authority import Authority, create, load
from server.config import wall_clock
from server.demo.processes import Child, free_port
from server.demo.staff import Associate
from sync.rules.certificates import DAY_MS
from tests.fault.kit import Chain, eventually


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    chain = Chain(tmp_path, stores=1, policy={"accept_s": 600})
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()


def put_certificate(authority: Authority, folder: Path, *, now: int) -> None:
    """As if it had been fetched at `now`."""
    names = ["localhost", "127.0.0.1", "::1"]
    key, request = papers.new_request("S001", names)
    made = authority.issue(base64.b64decode(request), store="S001", now=now, dice=os.urandom)
    papers.install(folder, key, made.chain, made.root, names)


def shown(port: int, root: str = "") -> dict[str, str]:
    """The certificate that the node shows, or why a client that trusts `root` does not accept it."""
    context = ssl.create_default_context(cadata=root) if root else ssl._create_unverified_context()
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
        ):
            der = tls.getpeercert(binary_form=True)
            assert der is not None
            return {"certificate": ssl.DER_cert_to_PEM_cert(der), "refused": ""}
    except ssl.SSLCertVerificationError as refused:
        return {"certificate": "", "refused": refused.verify_message}


def doctor(chain: Chain) -> dict[str, dict[str, str]]:
    ran = subprocess.run(
        [sys.executable, "-m", "pwa.cli", "doctor", "--data", str(chain.folder / "S001"), "--json",
         "--url", chain.node_url("S001")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return {one["name"]: one for one in json.loads(ran.stdout)}


async def test_one_port_speaks_both_and_a_client_that_says_nothing_is_in_nobodys_way(chain: Chain) -> None:
    silent = [socket.create_connection(("127.0.0.1", chain.node_ports["S001"])) for _ in range(20)]
    half = socket.create_connection(("127.0.0.1", chain.node_ports["S001"]))
    half.sendall(b"\x16\x03\x01")  # begins a handshake and stops
    async with httpx.AsyncClient(verify=chain.trust, trust_env=False) as client:
        for url in (chain.secure_url("S001"), chain.node_url("S001")):
            assert (await client.get(f"{url}/health")).json()["ok"] is True
        root = await client.get(f"{chain.node_url('S001')}/root.crt")
    assert root.headers["content-type"] == "application/x-x509-ca-cert"
    assert root.content == ssl.PEM_cert_to_DER_cert(chain.root.read_text())
    for one in (*silent, half):
        one.close()


async def test_a_certificate_that_ended_while_the_line_was_down_is_told_and_renewed_when_it_is_back(
    chain: Chain,
) -> None:
    authority = load(chain.root.parent)
    assert authority is not None
    port, root = chain.node_ports["S001"], chain.root.read_text()
    await chain.children["S001"].end()
    put_certificate(authority, chain.folder / "S001" / "tls", now=wall_clock() - 95 * DAY_MS)
    chain.lines["S001"].cut()
    await chain.start_part("S001")
    found = await asyncio.to_thread(shown, port, root)
    assert "expired" in found["refused"]
    assert (await asyncio.to_thread(doctor, chain))["certificate"]["state"] == "bad"
    # The store's work does not ask for it.
    lin = Associate(chain.node_url("S001"), chain.person("S001-1"))
    await lin.sign_in()
    page = await lin.open("/status")
    assert "The certificate ended on" in page.text
    await lin.close()
    chain.lines["S001"].restore()

    async def renewed() -> bool:
        return not (await asyncio.to_thread(shown, port, root))["refused"]

    await eventually(renewed, "the certificate is renewed once the line is back", within_s=30)
    assert (await asyncio.to_thread(doctor, chain))["certificate"]["state"] == "ok"


async def test_a_certificate_that_is_due_is_renewed_without_a_restart(chain: Chain) -> None:
    authority = load(chain.root.parent)
    assert authority is not None
    port, root, file = chain.node_ports["S001"], chain.root.read_text(), chain.folder / "S001/tls/node.pem"
    await chain.children["S001"].end()
    put_certificate(authority, file.parent, now=wall_clock() - 31 * DAY_MS)
    due = papers.read_paper(file.read_bytes(), own=False).fingerprint
    chain.lines["S001"].cut()
    await chain.start_part("S001")
    assert await _is(port, root, due)
    chain.lines["S001"].restore()

    async def renewed() -> bool:
        return not await _is(port, root, due)

    await eventually(renewed, "what is due is renewed", within_s=30)
    newest = papers.read_paper(file.read_bytes(), own=False)
    assert newest.life.state(wall_clock()) == "fresh"
    assert await _is(port, root, newest.fingerprint)


async def _is(port: int, root: str, fingerprint: str) -> bool:
    pem = (await asyncio.to_thread(shown, port, root))["certificate"]
    return bool(pem) and papers.read_paper(pem.encode(), own=False).fingerprint == fingerprint


async def test_a_certificate_of_ones_own_is_shown_without_a_centre_and_a_new_one_without_a_restart(
    tmp_path: Path,
) -> None:
    theirs = create(tmp_path / "theirs", now=wall_clock(), dice=os.urandom)
    put_certificate(theirs, tmp_path / "own", now=wall_clock())
    pair = tmp_path / "own" / "node.pem"
    port = free_port()
    node = Child(
        "S001",
        [sys.executable, "-m", "pwa.cli", "run", "--port", str(port),
         "--tls-cert", str(pair), "--tls-key", str(pair)],
        tmp_path / "node.log",
        f"http://127.0.0.1:{port}/health",
        {
            "YIPAN_STORE": "S001", "YIPAN_TOKEN": "none", "YIPAN_DATA": str(tmp_path / "S001"),
            "YIPAN_CENTRE": f"ws://127.0.0.1:{free_port()}/link",
        },
    )  # fmt: skip
    node.start()
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            await node.wait_until_healthy(client, 30)
        first = papers.read_paper(pair.read_bytes(), own=True).fingerprint
        assert await _is(port, theirs.root_pem, first)
        put_certificate(theirs, tmp_path / "own", now=wall_clock())
        second = papers.read_paper(pair.read_bytes(), own=True).fingerprint
        await eventually(lambda: _is(port, theirs.root_pem, second), "the new file is taken")
    finally:
        await node.end()
