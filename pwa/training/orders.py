"""Made-up orders: one of each sort in turn, of goods that this store really has a name and a shelf for.

Pure: what the centre would decide, from a number, the goods and dice.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sync.ids import Dice
from sync.rules.secrets import hash_code
from sync.wire import decisions as d

PIN = "0000"
"""Of everybody in training: the real ones stay in the real record."""
CODE = "246810"
"""Every pickup code in training; the page of codes shows it to whoever plays the shopper."""
ACCEPT_MS = 30 * 60_000
PROMISE_MS = 3 * 3_600_000
HOLD_MS = 48 * 3_600_000

KINDS = (
    ("pickup", 1, 1),
    ("pickup", 2, 2),
    ("shipment", 2, 1),
    ("same_day", 1, 2),
    ("pickup", 3, 1),
    ("shipment", 1, 3),
)
"""Kind, lines, most units of a line: begins with the easiest."""


def offer(number: int, goods: Sequence[str], dice: Dice, now: int) -> d.Decision:
    """The `number`-th order of this training (from 1), as an offer to the store."""
    kind, lines, most = KINDS[(number - 1) % len(KINDS)]
    start = int.from_bytes(dice(4), "big")
    step = max(len(goods) // max(lines, 1), 1)
    chosen = dict.fromkeys(goods[(start + n * step) % len(goods)] for n in range(lines))
    salt = f"training{number}"
    pickup = kind == "pickup"
    body = d.Offered(
        fo=f"T{1000 + number}",
        order=f"T-{1000 + number}",
        kind=kind,
        accept_by=now + ACCEPT_MS,
        lines=tuple(d.OfferLine(n, sku, 1 + dice(1)[0] % most, n) for n, sku in enumerate(chosen, 1)),
        promised_by=now + PROMISE_MS,
        channel="training",
        shopper=f"{chr(ord('A') + number % 26)}. T",
        phone_tail=f"{(number * 37) % 10_000:04d}",
        code_salt=salt if pickup else "",
        code_hash=hash_code(CODE, salt) if pickup else "",
        address="" if pickup else "Training",
    )
    return decision(body, number, now)


def confirmation(fence: int, now: int) -> d.Decision:
    """What the centre says to every acceptance here."""
    return decision(d.Confirmed(owner_until=now + HOLD_MS), fence, now)


def lapse(fence: int, now: int) -> d.Decision:
    return decision(d.Withdrawn(reason="lapsed"), fence, now)


def decision(body: d.Body, fence: int, now: int) -> d.Decision:
    raw = msgspec.Raw(msgspec.json.encode(body))
    return d.Decision(kind=d.NAMES[type(body)], at=now, fence=fence, body=raw)
