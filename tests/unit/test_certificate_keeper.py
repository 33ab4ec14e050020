"""The node's side of its certificate: when it asks, what it takes, and what goes on without one."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pwa.secure import papers
from pwa.secure.keeper import AGAIN_MS, Keeper
from pwa.secure.papers import NotOurs, wanted_names
from pwa.secure.shield import Shield
from server.certificates.authority import Authority, create
from server.config import wall_clock
from sync.rules.certificates import DAY_MS
from sync.wire.frames import Certified

DICE = random.Random(6).randbytes


@dataclass
class Line:
    """A link to a real authority whose clock is told."""

    authority: Authority | None
    now: int = field(default_factory=wall_clock)
    why: str = "no_authority"
    asked: int = 0
    silent: bool = False

    def status(self) -> Any:
        return SimpleNamespace(up=True, moment=SimpleNamespace(now=self.now))

    async def certify(self, request: str) -> Certified | None:
        self.asked += 1
        if self.silent:
            return None
        if self.authority is None:
            return Certified(n=1, why=self.why)
        made = self.authority.issue(base64.b64decode(request), store="S001", now=self.now, dice=DICE)
        return Certified(n=1, chain=made.chain, root=made.root)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create(tmp_path / "centre" / "ca", now=wall_clock() - DAY_MS, dice=DICE)


def keeper(tmp_path: Path, *names: str) -> Keeper:
    return Keeper(tmp_path / "store" / "tls", "S001", names=[*names, "127.0.0.1"])


async def test_a_node_without_a_certificate_asks_at_once_and_keeps_its_key_to_itself(
    tmp_path: Path, authority: Authority
) -> None:
    line, mine = Line(authority), keeper(tmp_path)
    assert mine.context is None
    assert mine.due(line.now)
    assert await mine.renew(line)
    assert mine.context is not None
    assert mine.paper is not None
    assert mine.paper.names == ("s001.yipan.internal", "127.0.0.1")
    assert (tmp_path / "store" / "tls" / "node.pem").stat().st_mode & 0o777 == 0o600
    assert not mine.due(line.now + AGAIN_MS)


async def test_it_renews_after_a_third_of_the_life_with_a_new_key(
    tmp_path: Path, authority: Authority
) -> None:
    line, mine = Line(authority), keeper(tmp_path)
    await mine.renew(line)
    first = (tmp_path / "store" / "tls" / "node.pem").read_bytes()
    assert not mine.due(line.now + 29 * DAY_MS)
    line.now += 31 * DAY_MS
    assert mine.due(line.now)
    assert await mine.renew(line)
    second = (tmp_path / "store" / "tls" / "node.pem").read_bytes()
    assert second.split(b"-----END PRIVATE KEY")[0] != first.split(b"-----END PRIVATE KEY")[0]
    assert not mine.due(line.now + AGAIN_MS)


@pytest.mark.parametrize("silent", [True, False])
async def test_no_answer_and_no_authority_leave_what_is_there_and_are_tried_again_after_a_while(
    tmp_path: Path, authority: Authority, silent: bool
) -> None:
    line, mine = Line(authority), keeper(tmp_path)
    await mine.renew(line)
    had = mine.paper
    line.now += 80 * DAY_MS
    line.authority, line.silent = None, silent
    assert not await mine.renew(line)
    assert mine.why == ("no_answer" if silent else "no_authority")
    assert mine.paper == had
    assert not mine.due(line.now + AGAIN_MS - 1)
    assert mine.due(line.now + AGAIN_MS)


async def test_another_name_for_the_box_is_reason_enough_to_ask(tmp_path: Path, authority: Authority) -> None:
    line = Line(authority)
    await keeper(tmp_path).renew(line)
    moved = keeper(tmp_path, "10.1.2.3")
    assert moved.due(line.now)
    await moved.renew(line)
    assert moved.paper is not None
    assert "10.1.2.3" in moved.paper.names


def test_a_name_that_is_refused_is_not_asked_for_again_and_again(
    tmp_path: Path, authority: Authority
) -> None:
    mine = keeper(tmp_path, "s002.yipan.internal")
    key, request = papers.new_request("S001", mine.names)
    made = authority.issue(base64.b64decode(request), store="S001", now=wall_clock(), dice=DICE)
    assert "s002.yipan.internal" not in made.names
    papers.install(mine.folder, key, made.chain, made.root, mine.names)
    mine.look()
    assert not mine.due(wall_clock())


def test_a_certificate_for_another_key_or_by_another_authority_is_not_taken(
    tmp_path: Path, authority: Authority
) -> None:
    folder = tmp_path / "tls"
    key, request = papers.new_request("S001", ["127.0.0.1"])
    made = authority.issue(base64.b64decode(request), store="S001", now=wall_clock(), dice=DICE)
    other_key, _ = papers.new_request("S001", ["127.0.0.1"])
    stranger = create(tmp_path / "other" / "ca", now=wall_clock(), dice=DICE)
    with pytest.raises(NotOurs):
        papers.install(folder, other_key, made.chain, made.root, [])
    with pytest.raises(NotOurs):
        papers.install(folder, key, made.chain, stranger.root_pem, [])
    with pytest.raises(NotOurs):
        papers.install(folder, key, "nonsense", made.root, [])
    assert not (folder / "node.pem").exists()


async def test_files_that_cannot_be_read_spoil_nothing_that_is_in_use(
    tmp_path: Path, authority: Authority
) -> None:
    line, mine = Line(authority), keeper(tmp_path)
    await mine.renew(line)
    had = mine.paper
    (mine.folder / "node.pem").write_text("half of a")
    mine.look()
    assert (mine.why, mine.paper) == ("unreadable", had)
    assert mine.context is not None


@pytest.mark.parametrize(
    ("told", "host", "found"),
    [
        ((), "127.0.0.1", []),
        ((), "10.0.0.5", ["10.0.0.5"]),
        (("Box.Shop.Example", "10.0.0.5"), "0.0.0.0", ["box.shop.example", "10.0.0.5"]),
    ],
)
def test_a_box_is_called_what_people_said_or_what_it_listens_on(
    told: tuple[str, ...], host: str, found: list[str]
) -> None:
    assert wanted_names(told, host, "ws://127.0.0.1:1/link") == [*found, "localhost", "127.0.0.1", "::1"]


# -- plain HTTP and HTTPS on one port ----------------------------------------------------------------


async def asked(
    shield: Shield, path: str, *, scheme: str, client: str, method: str = "GET"
) -> dict[str, Any]:
    said: dict[str, Any] = {}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.update(status=message["status"], headers=message["headers"])

    scope = {
        "type": "http", "path": path, "raw_path": path.encode(), "query_string": b"a=1", "method": method,
        "scheme": scheme, "client": (client, 5), "headers": [(b"host", b"s001.yipan.internal:8081")],
    }  # fmt: skip
    await shield(scope, None, send)
    return said


async def pages(scope: Any, receive: Any, send: Any) -> None:
    cookie = (b"set-cookie", b"session=1; HttpOnly")
    await send({"type": "http.response.start", "status": 200, "headers": [cookie]})


async def test_a_cookie_given_over_https_is_for_https_only() -> None:
    shield = Shield(pages, lambda: True, only_https=False)
    far = await asked(shield, "/orders", scheme="https", client="10.0.0.9")
    plain = await asked(shield, "/orders", scheme="http", client="10.0.0.9")
    assert far["headers"] == [(b"set-cookie", b"session=1; HttpOnly; Secure")]
    assert plain["headers"] == [(b"set-cookie", b"session=1; HttpOnly")]


async def test_with_only_https_a_plain_page_is_shown_the_way_and_a_plain_till_is_refused() -> None:
    shield = Shield(pages, lambda: True, only_https=True)
    page = await asked(shield, "/orders", scheme="http", client="10.0.0.9")
    assert page["status"] == 307
    assert dict(page["headers"])[b"location"] == b"https://s001.yipan.internal:8081/orders?a=1"
    assert (await asked(shield, "/sign-in", scheme="http", client="10.0.0.9", method="POST"))["status"] == 403
    assert (await asked(shield, "/till/may-sell", scheme="http", client="10.0.0.9"))["status"] == 403
    for path in ("/root.crt", "/secure", "/health"):
        assert (await asked(shield, path, scheme="http", client="10.0.0.9"))["status"] == 200
    assert (await asked(shield, "/till/may-sell", scheme="http", client="127.0.0.1"))["status"] == 200
    without = Shield(pages, lambda: False, only_https=True)
    assert (await asked(without, "/orders", scheme="http", client="10.0.0.9"))["status"] == 200
