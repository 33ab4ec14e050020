"""What was lost with a store's box, exactly: which facts had arrived, what was open, what has to be counted.

A box that dies takes along what its last connection did not carry. How much that was only the box knew;
what the centre knows is the last number it has, so the range that is lost begins one after it. Everything
up to it is here, and the new box has it from its snapshot.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from server.db import Tx
from server.stock.void import uncounted


@dataclass(frozen=True)
class Loss:
    store: str
    incarnation: str
    how: str
    """replaced: a new box came in its place. forked: an older copy of it came back."""
    successor: str
    found_at: int
    last_fact: int
    """The number of the last fact that is here. What is lost begins with the next."""
    last_kind: str
    last_person: str
    last_happened_at: int
    last_arrived_at: int
    heard_at: int
    """When the box was last heard, and how many facts it said were waiting then."""
    waiting: int
    case: str
    voided_skus: int
    voided_units: int
    to_count: tuple[str, ...]
    """Items whose rights are void until somebody counts them, those first that orders wait for."""
    open_orders: tuple[str, ...]
    """Fulfilment orders that the store holds now: its new box has them."""

    def plain(self) -> dict[str, Any]:
        return asdict(self) | {"lost_from": self.last_fact + 1}


def losses(tx: Tx, store: str) -> list[Loss]:
    """All boxes of a store that went with facts nobody else has, the newest first."""
    cases = {
        params.get("old", ""): (row["id"], params)
        for row in tx.execute(
            "SELECT id, params FROM open_case WHERE store = ?"
            " AND kind IN ('replica_replaced', 'restored_copy') ORDER BY opened_at, id",
            (store,),
        )
        for params in [json.loads(row["params"])]
    }
    gone = tx.execute(
        "SELECT incarnation, note, applied, opened_at FROM replica WHERE store = ? AND state = 'closed'"
        " ORDER BY opened_at DESC, incarnation DESC",
        (store,),
    ).fetchall()
    to_count = tuple(uncounted(tx, store))
    orders = tuple(
        row[0]
        for row in tx.execute(
            "SELECT fo FROM assignment WHERE store = ? AND ended_at = 0 AND released_at = 0 ORDER BY fence",
            (store,),
        )
    )
    return [
        _loss(tx, store, row, *cases[row["incarnation"]], to_count, orders)
        for row in gone
        if row["incarnation"] in cases
    ]


def _loss(
    tx: Tx,
    store: str,
    gone: Any,
    case: str,
    params: dict[str, Any],
    to_count: tuple[str, ...],
    orders: tuple[str, ...],
) -> Loss:
    last = tx.execute(
        "SELECT kind, person, occurred_at, received_at FROM fact WHERE store = ? AND incarnation = ?"
        " AND number = ?",
        (store, gone["incarnation"], gone["applied"]),
    ).fetchone()
    after = tx.execute(
        "SELECT incarnation, opened_at FROM replica WHERE store = ? AND (opened_at, incarnation) > (?, ?)"
        " ORDER BY opened_at, incarnation LIMIT 1",
        (store, gone["opened_at"], gone["incarnation"]),
    ).fetchone()
    return Loss(
        store=store,
        incarnation=gone["incarnation"],
        how=gone["note"],
        successor=after["incarnation"] if after else "",
        found_at=after["opened_at"] if after else 0,
        last_fact=gone["applied"],
        last_kind=last["kind"] if last else "",
        last_person=last["person"] if last else "",
        last_happened_at=last["occurred_at"] if last else 0,
        last_arrived_at=last["received_at"] if last else 0,
        heard_at=int(params.get("heard_at", 0)),
        waiting=int(params.get("unsent", 0)),
        case=case,
        voided_skus=int(params.get("voided", 0)),
        voided_units=int(params.get("voided_units", 0)),
        to_count=to_count,
        open_orders=orders,
    )
