"""Delivers what waits in the outbox, as webhooks signed by the Standard Webhooks scheme.

At least once: a receiver that answers slowly may hear a message twice and knows it by
`webhook-id`, which stays the same over all tries. Each channel has its own queue and its
own task, in the order in which things happened, so a dead receiver stops nobody else; while its
oldest message waits for its next try, the younger ones wait behind it. No network call is
made inside a transaction.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

import httpx
import structlog
from standardwebhooks import Webhook

from server.db import Tx

if TYPE_CHECKING:
    from server.writer import Writer

log = structlog.get_logger(__name__)

BACKOFF_S = (5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Waits after each failed try; after the last one the message is given up and shown as such."""
TRY_S = 10.0
PER_CHANNEL = 20
IDLE_S = 1.0


@dataclass(frozen=True)
class Letter:
    id: str
    channel: str
    kind: str
    payload: str
    attempts: int
    url: str
    secret: str


@dataclass(frozen=True)
class Result:
    id: str
    attempts: int
    ok: bool
    error: str = ""
    gone: bool = False


class Sender:
    """`await run()` until cancelled, or `await once()` for one round. `clock` gives ms since 1970."""

    def __init__(
        self, writer: Writer, clock: Callable[[], int], *, client: httpx.AsyncClient | None = None
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._own = client is None
        self._client = client or httpx.AsyncClient(timeout=TRY_S, follow_redirects=False)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A hint that something was written; without it the next look is a second away."""
        self._woken.set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    busy = await self.once()
                except Exception as trouble:
                    # The outbox is in the database: whatever went wrong, the next round starts from there.
                    log.warning("outbox_round_failed", error=repr(trouble))
                    busy = 0
                if not busy:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), IDLE_S)
                    self._woken.clear()
        finally:
            if self._own:
                await self._client.aclose()

    async def once(self) -> int:
        """Deliver what is due; how many messages were tried or put away."""
        now = self._clock()
        letters = await self._writer.read(lambda tx: due(tx, now))
        shown = [one.id for one in letters if not one.url]
        by_channel: dict[str, list[Letter]] = {}
        for one in letters:
            if one.url:
                by_channel.setdefault(one.channel, []).append(one)
        rounds = await asyncio.gather(*(self._channel(queue) for queue in by_channel.values()))
        results = [result for round_ in rounds for result in round_]
        if shown or results:
            await self._writer.do(lambda tx: record(tx, results, shown, self._clock()))
        return len(shown) + len(results)

    async def _channel(self, queue: list[Letter]) -> list[Result]:
        """One receiver's messages, in order, up to the first that fails."""
        results = []
        for letter in queue:
            result = await self._deliver(letter)
            results.append(result)
            if not result.ok and not result.gone:
                break
        return results

    async def _deliver(self, letter: Letter) -> Result:
        tries = letter.attempts + 1
        try:
            async with asyncio.timeout(TRY_S):
                answer = await self._client.post(
                    letter.url,
                    content=letter.payload.encode(),
                    headers=signed(letter, datetime.fromtimestamp(self._clock() / 1000, UTC)),
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as trouble:
            return Result(letter.id, tries, False, type(trouble).__name__)
        if answer.is_success:
            return Result(letter.id, tries, True)
        # 410 is the receiver's own word that it wants no more of this.
        return Result(letter.id, tries, False, f"HTTP {answer.status_code}", gone=answer.status_code == 410)


def signed(letter: Letter, when: datetime) -> dict[str, str]:
    """The headers of the Standard Webhooks scheme; without a secret only the id and the time."""
    headers = {
        "content-type": "application/json",
        "webhook-id": letter.id,
        "webhook-timestamp": str(int(when.timestamp())),
        "idempotency-key": letter.id,
    }
    if letter.secret:
        headers["webhook-signature"] = Webhook(_key(letter.secret)).sign(letter.id, when, letter.payload)
    return headers


def _key(secret: str) -> str:
    """`whsec_` and base64, as the scheme has it; any other text is taken as the key's own bytes."""
    bare = secret.removeprefix("whsec_")
    try:
        base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        bare = base64.b64encode(bare.encode()).decode()
    return bare


def due(tx: Tx, now: int) -> list[Letter]:
    """The next messages of each channel. A channel whose oldest one waits for its next try has none."""
    letters = []
    for code, url, secret in tx.execute(
        "SELECT code, CASE WHEN active THEN webhook_url ELSE '' END, webhook_secret FROM channel"
    ).fetchall():
        rows = tx.execute(
            "SELECT id, kind, payload, attempts, next_at FROM outgoing"
            " WHERE state = 'waiting' AND channel = ? ORDER BY event_id LIMIT ?",
            (code, PER_CHANNEL),
        ).fetchall()
        if rows and rows[0]["next_at"] <= now:
            letters += [
                Letter(row["id"], code, row["kind"], row["payload"], row["attempts"], url, secret)
                for row in rows
            ]
    return letters


def record(tx: Tx, results: list[Result], shown: list[str], now: int) -> None:
    """What became of each try, in one transaction."""
    for one in results:
        if one.ok:
            change = ("delivered", one.attempts, now, now, "")
        elif one.gone or one.attempts > len(BACKOFF_S):
            change = ("given_up", one.attempts, now, 0, one.error)
        else:
            change = ("waiting", one.attempts, now + wait_ms(one.id, one.attempts), 0, one.error)
        tx.execute(
            "UPDATE outgoing SET state = ?, attempts = ?, next_at = ?, delivered_at = ?, last_error = ?"
            " WHERE id = ? AND state = 'waiting'",
            (*change, one.id),
        )
    tx.executemany(
        "UPDATE outgoing SET state = 'shown' WHERE id = ? AND state = 'waiting'", [(id,) for id in shown]
    )
    tx.touched.add("outbox")


def wait_ms(message: str, attempts: int) -> int:
    """The wait after this failed try: longer each time, spread by the message's own id."""
    base = BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1] * 1000
    return base + base * (crc32(message.encode()) % 200) // 1000


def send_again(tx: Tx, message: str, now: int) -> bool:
    """A person asks for another try of what was given up or only shown."""
    done = tx.execute(
        "UPDATE outgoing SET state = 'waiting', attempts = 0, next_at = ?, last_error = ''"
        " WHERE id = ? AND state IN ('given_up', 'shown') RETURNING id",
        (now, message),
    ).fetchone()
    return done is not None
