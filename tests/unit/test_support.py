"""Support codes: read as they were packed, by voice or scan, and never a crash or a command to a terminal."""

from __future__ import annotations

import json
import random
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import pwa.twin
from pwa.app import make_app
from pwa.cli import main as store_shell
from server.cli import yipan as centre_shell
from sync.agent.node import SOFTWARE
from sync.support import LETTERS, Unreadable, lines, pack, unpack
from tests import kit_pwa as kit

FOUND = {
    "device": "H123456",
    "store": "S001",
    "version": "0.1.0",
    "build": "0a1b2c",
    "language": "zh",
    "at": 1_795_320_000,
    "state": "secure app alone 3w0r",
    "browser": "Android 11 Chrome/120",
    "happened": [[812, "lost", "POST /waves/*/scan", 3], [40, "refused", "wrong_item POST /waves/*/scan", 1]],
}


@pytest.mark.parametrize("deflate", [True, False])
def test_what_was_packed_is_read_however_it_was_copied(deflate: bool) -> None:
    code = pack(FOUND, deflate=deflate)
    assert set(code[2:]) <= set(LETTERS)
    spoken = (
        " - ".join(code[n : n + 5].lower() for n in range(0, len(code), 5))
        .replace("0", "o")
        .replace("1", "l")
    )
    assert unpack(code) == unpack(spoken) == FOUND
    assert "     812 s before  lost  POST /waves/*/scan  ×3" in lines(FOUND)


def test_a_wrong_letter_a_missing_tail_and_rubbish_are_told_from_a_code(rng: random.Random) -> None:
    code = pack(FOUND)
    broken = [code[:n] for n in range(len(code) - 3)]
    for n in range(2, len(code)):
        broken.append(
            code[:n] + LETTERS[(LETTERS.index(code[n]) + rng.randrange(1, 32)) % 32] + code[n + 1 :]
        )
    broken += ["".join(rng.choices(LETTERS, k=rng.randrange(600))) for _ in range(300)]
    broken += ["", "Y1", "Y0", "Hello", "Y1" + "Z" * 5_000, pack({**FOUND, "happened": "x" * 30_000})]
    read = 0
    for one in broken:
        try:
            read += unpack(one) == FOUND
        except Unreadable:
            continue
    # The last letters may hold nothing but filling.
    assert read <= 2


def test_a_forged_code_gives_no_orders_to_a_terminal() -> None:
    forged = {**FOUND, "device": "\x1b]0;gone\x07\u202e", "happened": [[1, "\x1b[2J", "x", 1]]}
    told = "\n".join(lines(unpack(pack(forged))))
    assert not [sign for sign in told if sign != "\n" and not sign.isprintable()]


def test_both_command_lines_read_a_code() -> None:
    code = pack(FOUND)
    for shell in (store_shell, centre_shell):
        told = CliRunner().invoke(shell, ["support", "read", code, "--json"])
        assert json.loads(told.output) == FOUND
        assert CliRunner().invoke(shell, ["support", "read", "Hello"]).exit_code != 0


async def test_the_page_is_there_before_anybody_has_signed_in(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    app = make_app(node, store=kit.STORE, secret="kept")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as http:
        page = await http.get("/what-now")
        assert (page.status_code, 'data-store="S001"' in page.text) == (200, True)
        gone = await http.get("/no-such-page", headers={"accept": "text/html"})
        assert 'href="/what-now"' in gone.text
        assert (await http.get(f"/support/qr.svg?code={pack(FOUND)}")).headers[
            "content-type"
        ] == "image/svg+xml"
        for wrong in ("", "x", "A" * 5000, "%3Cscript%3E" * 2):
            assert (await http.get(f"/support/qr.svg?code={wrong}")).status_code == 404
    twin = "".join(file.read_text() for file in Path(pwa.twin.__file__).parent.rglob("*.py"))
    assert f'VERSION = "{SOFTWARE}"' in twin, "what a device says of itself is what the box says"
    node.close()
