"""What leaves the house: signed, in order per channel, at least once, and never before it was saved."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from server.db import Tx
from server.outbox.events import happened
from server.outbox.sender import BACKOFF_S, Sender, send_again, wait_ms
from server.schema import upgrade
from server.writer import Writer
from tests.kit_orders import MINUTE, NINE, Centre

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """A channel's end: answers what the test says, remembers what came."""

    def __init__(self) -> None:
        self.got: list[httpx.Request] = []
        self.answers: dict[str, list[int]] = {}
        self.now = NINE

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        answers = self.answers.get(request.url.host) or [200]
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == 0:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(status)

    def kinds(self, host: str = "shop.test") -> list[str]:
        return [json.loads(r.content)["type"] for r in self.got if r.url.host == host]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    path = tmp_path / "centre.db"
    upgrade(path)
    made = Writer(path)
    made.do_now(
        lambda tx: tx.executemany(
            "INSERT INTO channel (code, name, webhook_url, webhook_secret) VALUES (?, ?, ?, ?)",
            [
                ("web", "Web", "https://shop.test/hook", SECRET),
                ("dead", "Dead", "https://dead.test/hook", "plain words"),
                ("quiet", "Quiet", "", ""),
            ],
        )
    )
    for channel in ("web", "dead", "quiet"):
        made.do_now(
            lambda tx, channel=channel: tx.execute(
                "INSERT INTO shop_order (no, channel, external_id, kind, placed_at)"
                " VALUES (?, ?, 'X', 'pickup', 0)",
                (f"YP-{channel}", channel),
            )
        )
    yield made
    made.close()


def tell(writer: Writer, channel: str, *kinds: str, at: int = NINE) -> None:
    def job(tx: Tx) -> None:
        for kind in kinds:
            happened(tx, kind, at=at, order_no=f"YP-{channel}", data={"n": 1})

    writer.do_now(job)


def states(writer: Writer) -> list[tuple[str, str, int]]:
    return writer.read_now(
        lambda tx: [
            tuple(row) for row in tx.execute("SELECT kind, state, attempts FROM outgoing ORDER BY event_id")
        ]
    )


def sender(writer: Writer, receiver: Receiver) -> Sender:
    client = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    return Sender(writer, lambda: receiver.now, client=client)


async def test_a_message_is_signed_so_that_the_receiver_can_check_it(writer: Writer):
    receiver = Receiver()
    receiver.now = int(time.time() * 1000)  # the scheme's own library checks against the wall clock
    tell(writer, "web", "offered", at=receiver.now)
    await sender(writer, receiver).once()
    request = next(r for r in receiver.got if r.url.host == "shop.test")
    body = Webhook(SECRET).verify(request.content.decode(), dict(request.headers))
    assert body["type"] == "order.offered"
    assert body["data"] == {"order": "YP-web", "n": 1}
    assert request.headers["idempotency-key"] == request.headers["webhook-id"]
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(request.content.decode() + " ", dict(request.headers))


async def test_each_message_goes_once_in_order_and_is_then_delivered(writer: Writer):
    receiver = Receiver()
    tell(writer, "web", "placed", "offered", "accepted")
    one = sender(writer, receiver)
    assert await one.once() == 3
    assert await one.once() == 0
    assert receiver.kinds() == ["order.placed", "order.offered", "order.accepted"]
    assert {state for _, state, _ in states(writer)} == {"delivered"}


async def test_a_failure_holds_back_its_own_channel_and_nobody_elses(writer: Writer):
    receiver = Receiver()
    receiver.answers["dead.test"] = [0]
    tell(writer, "dead", "placed", "offered")
    tell(writer, "web", "placed")
    one = sender(writer, receiver)
    await one.once()
    assert receiver.kinds("dead.test") == ["order.placed"]
    assert receiver.kinds() == ["order.placed"]
    await one.once()
    assert receiver.kinds("dead.test") == ["order.placed"], "its next try is not due yet"
    receiver.answers["dead.test"] = [200]
    receiver.now += 6_000
    await one.once()
    assert receiver.kinds("dead.test") == ["order.placed", "order.placed", "order.offered"]
    first, again, _ = [r for r in receiver.got if r.url.host == "dead.test"]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert {state for _, state, _ in states(writer)} == {"delivered"}


async def test_tries_are_farther_apart_each_time_and_come_to_an_end(writer: Writer):
    receiver = Receiver()
    receiver.answers["dead.test"] = [500]
    tell(writer, "dead", "placed")
    one = sender(writer, receiver)
    for _ in range(len(BACKOFF_S) + 3):
        await one.once()
        receiver.now += 30 * 3_600_000
    assert states(writer) == [("placed", "given_up", len(BACKOFF_S) + 1)]
    assert len(receiver.got) == len(BACKOFF_S) + 1
    waits = [wait_ms("msg_1", n) for n in range(1, len(BACKOFF_S) + 1)]
    assert waits == sorted(waits)
    assert waits[0] < 7_000
    message = writer.read_now(lambda tx: tx.execute("SELECT id FROM outgoing").fetchone()[0])
    assert writer.do_now(lambda tx: send_again(tx, message, receiver.now))
    receiver.answers["dead.test"] = [200]
    await one.once()
    assert states(writer) == [("placed", "delivered", 1)]


async def test_a_receiver_that_is_gone_for_good_is_not_asked_again(writer: Writer):
    receiver = Receiver()
    receiver.answers["dead.test"] = [410, 200]
    tell(writer, "dead", "placed", "offered")
    await sender(writer, receiver).once()
    assert [state for _, state, _ in states(writer)] == ["given_up", "delivered"]


async def test_without_a_receiver_messages_are_shown_and_cost_no_second_commit(writer: Writer):
    receiver = Receiver()
    tell(writer, "quiet", "placed")
    before = writer.commits
    assert await sender(writer, receiver).once() == 0
    assert writer.commits == before
    assert states(writer) == [("placed", "shown", 0)]


async def test_a_channel_that_lost_its_receiver_has_its_waiting_messages_shown(writer: Writer):
    receiver = Receiver()
    tell(writer, "web", "placed")
    writer.do_now(lambda tx: tx.execute("UPDATE channel SET active = 0 WHERE code = 'web'"))
    assert await sender(writer, receiver).once() == 1
    assert states(writer) == [("placed", "shown", 0)]
    assert receiver.got == []


async def test_what_was_rolled_back_is_not_told(writer: Writer):
    def fails(tx: Tx) -> None:
        happened(tx, "placed", at=NINE, order_no="YP-web")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        writer.do_now(fails)
    receiver = Receiver()
    await sender(writer, receiver).once()
    assert receiver.got == []


def test_numbers_given_again_after_a_restore_do_not_make_the_same_key():
    keys = []
    for at in (NINE, NINE + MINUTE):
        c = Centre(1)
        c.stock("S001", "A", 1)
        c.now = at
        c.order(("A", 1), external_id="X")
        keys.append(c.one("SELECT id FROM outgoing WHERE event_id = 1"))
    assert keys[0] != keys[1]


def test_staff_only_and_internal_events_are_history_and_no_message(writer: Writer):
    def job(tx: Tx) -> None:
        happened(tx, "store_paused", at=NINE, store="S001")
        happened(tx, "something_internal", at=NINE, order_no="YP-web")
        happened(tx, "put_back", at=NINE, order_no="YP-web", notify=False)

    writer.do_now(job)
    assert states(writer) == []
    assert writer.read_now(lambda tx: tx.execute("SELECT count(*) FROM event").fetchone()[0]) == 3
