"""One SKU with a history: orders, a forced sale, a debt that waits, goods on a truck, returns, views."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from server.db import Tx
from server.facts.apply import apply_fact
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.views.load import load_views
from sync.wire import facts as f
from tests.kit_web import seeded

MIN = 60_000
SKU = "CAP-NAVY"


class Floor:
    """What a store's people do, as the centre hears it."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self._numbers: dict[str, Iterator[int]] = {}

    def __call__(self, store: str, body: f.Body, at: int, *, fence: int = 0, person: str = "lin") -> None:
        number = next(self._numbers.setdefault(store, itertools.count(1)))
        fact = f.Fact(
            kind=f.NAMES[type(body)], command=f"c{store}{number}", person=person, device="pda1", at=at,
            fence=fence, body=msgspec.Raw(msgspec.json.encode(body)),
        )  # fmt: skip
        verdict = apply_fact(self.tx, store, "I1", number, fact, now=at)
        self.tx.execute(
            "INSERT INTO fact (store, incarnation, number, kind, fence, received_at, verdict, chain, raw)"
            " VALUES (?, 'I1', ?, ?, ?, ?, ?, '', ?)",
            (store, number, fact.kind, fence, at, verdict.name, msgspec.json.encode(fact)),
        )


def busy_sku(tx: Tx, now: int) -> None:
    """On a centre of tests.kit_web: ten caps in each of three stores, half of them share."""
    floor = Floor(tx)

    def order(n: int, qty: int, at: int, store: str = "S001") -> int:
        new = NewOrder(
            channel="shop", external_id=f"SKU-{n}", kind="pickup", pickup_store=store, name="Li Wang",
            phone="13800001111", lines=(NewLine(SKU, qty),),
        )  # fmt: skip
        return place(tx, new, now=at, dice=seeded(n)).parts[0].fence

    first = order(1, 2, now - 100 * MIN)
    order(2, 3, now - 90 * MIN)
    floor("S001", f.Sold(SKU, 1, 1, sale="T1-1/1"), now - 80 * MIN)
    floor("S001", f.Accepted(), now - 79 * MIN, fence=first)
    # A forced sale that the pool could pay at once, and one that it could not: an offer breaks for it.
    floor("S002", f.Sold(SKU, 6, 5, 1, sale="T2-1/1"), now - 70 * MIN, person="east")
    floor("S001", f.Sold(SKU, 5, 4, 1, sale="T1-2/1"), now - 60 * MIN)
    # Two more are owed, and nothing is there to pay with, until goods come: then one is left.
    floor("S001", f.Adjusted(SKU, 4, 0, 4, to="gone", reason="stolen"), now - 50 * MIN)
    floor("S001", f.Received(SKU, 1, paid=1, document="D-7"), now - 40 * MIN)
    floor("S003", f.TransferSent("T-9", "S002", SKU, 2, 2), now - 30 * MIN)
    floor("S002", f.SaleReturned(SKU, 1, sale="T2-1/1", return_id="R1"), now - 20 * MIN)
    floor("S002", f.Adjusted(SKU, 1, 0, 1, to="damaged", reason="broken"), now - 10 * MIN)
    tx.execute("UPDATE stock SET suppressed = 1 WHERE store = 'S002' AND sku = ?", (SKU,))
    tx.execute(
        "INSERT INTO store_session (store, number, connected_at, heard_at) VALUES ('S001', 1, ?, ?)",
        (now - 200 * MIN, now - 3_000),
    )
    tx.execute(
        "INSERT INTO store_session (store, number, connected_at, heard_at, closed_at)"
        " VALUES ('S003', 1, ?, ?, ?)",
        (now - 200 * MIN, now - 25 * MIN, now - 24 * MIN),
    )
    views = [
        {"channel": "shop", "sku": "CAP-*", "safety_stock": 1, "quota": 20, "days": 7},
        {"channel": "shop", "store": "S003", "sku": SKU, "safety_stock": 2},
    ]
    assert not load_views(tx, views, now=now - 95 * MIN).errors
