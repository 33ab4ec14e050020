"""What a centre that was put back from a backup may not decide yet.

In the time that was lost an order may have gone to a store under a turn that this centre has never heard
of, and that store may let it go at any moment. It can no more once it has told all that it did and has
taken what this centre says. Which stores have not is written down once, by the restore. Until all have:

* an offer from before the restore does not lapse while its own store is unheard (`IN_DOUBT`), and a
  cancellation asks that store as if it owned the order (`take_as_accepted`);
* an acceptance of an order from before the restore gives no right to release it while another store is
  unheard (`elsewhere`), unless it was confirmed in the time that was lost, as its store knows
  (`was_its_own`). It stays provisional: picking and packing go on;
* such an order is not called cancelled (`may_be_out`): nobody is refunded what may be handed over.

About a store that stays silent a person decides (`confirm.go_on_without`). Orders placed since the restore
are in no doubt.
"""

from __future__ import annotations

import sqlite3

from server.cases.book import close_case
from server.db import Tx
from server.facts.source import Source
from server.offers.rows import TurnRow
from server.policy.read import policy

CASE = "unheard_store"
HELD = "orders_held"
"""In `meta` while an order that would be cancelled is kept from it by doubt."""

IN_DOUBT = "EXISTS (SELECT 1 FROM unheard u WHERE u.store = a.store AND a.offered_at < u.since)"
"""Over `assignment a`: whether its store was offered it before the restore and has not been heard since."""


def begin(db: sqlite3.Connection, now: int) -> None:
    """This database is a copy that was put back: every store that could have been given something is asked.
    One that has never called may have called for the first time in the time that was lost."""
    db.execute("DELETE FROM unheard")
    db.execute(
        "INSERT INTO unheard (store, since) SELECT code, ? FROM store WHERE active AND (token_hash <> ''"
        " OR EXISTS (SELECT 1 FROM store_session s WHERE s.store = store.code))",
        (now,),
    )


def heard(tx: Tx, store: str, now: int, *, by: str = "", outcome: str = "heard") -> bool:
    """This store has told everything and knows what this centre says: nothing of it is in doubt any more."""
    if not tx.execute("DELETE FROM unheard WHERE store = ?", (store,)).rowcount:
        return False
    for row in tx.execute(
        "SELECT id FROM open_case WHERE kind = ? AND store = ? AND state = 'open'", (CASE, store)
    ).fetchall():
        close_case(tx, row["id"], now=now, by=by, outcome=outcome)
    tx.touched.add("board")
    return True


def silent(tx: sqlite3.Connection) -> frozenset[str]:
    """Stores that have not been heard since the restore. Empty on every day but such a one."""
    return frozenset(row[0] for row in tx.execute("SELECT store FROM unheard"))


def elsewhere(tx: Tx, turn: TurnRow) -> bool:
    """Whether a store other than this turn's may hold a lost turn of the same order.

    Not its own: there the facts come in order, and it was told of the end of this turn before any later one.
    """
    return _asked(tx, turn.order_no, turn.store)


def may_be_out(tx: Tx, order_no: str) -> bool:
    """Whether any store may still let go of units of this order under a lost turn."""
    return _asked(tx, order_no, "")


def was_its_own(tx: Tx, source: Source, until: int) -> bool:
    """Whether a turn that was confirmed until then, in the time that was lost, was so to its end.

    Ownership ends early only by a word of its store, and this store has told all up to here. A box that was
    put back as well, or replaced, may have forgotten its word: then what it remembers proves nothing.
    """
    row = tx.execute(
        "SELECT 1 FROM meta m JOIN replica p ON p.opened_at < CAST(m.value AS INTEGER)"
        " WHERE m.key = 'restored_at' AND CAST(m.value AS INTEGER) < ? AND p.store = ? AND p.incarnation = ?",
        (until, source.store, source.incarnation),
    ).fetchone()
    return row is not None


def _asked(tx: Tx, order_no: str, but: str) -> bool:
    return (
        tx.execute(
            "SELECT 1 FROM unheard u JOIN shop_order o ON o.no = ?"
            " WHERE u.store <> ? AND o.placed_at < u.since LIMIT 1",
            (order_no, but),
        ).fetchone()
        is not None
    )


def take_as_accepted(tx: Tx, turn: TurnRow) -> bool:
    """Whether an open offer is in doubt at its own store. If it is, that store owns it from here on, for as
    long as it could own what it accepted before the restore: it is asked back like any other, and answers."""
    row = tx.execute(
        "SELECT u.since FROM assignment a JOIN unheard u ON u.store = a.store"
        f" WHERE a.fence = ? AND {IN_DOUBT}",
        (turn.fence,),
    ).fetchone()
    if row is None:
        return False
    until = int(row[0]) + policy(tx, "hold_s", turn.channel, turn.kind) * 1000
    tx.execute(
        "UPDATE assignment SET ownership = 'confirmed', confirmed_at = ?, owner_until = ? WHERE fence = ?",
        (int(row[0]), until, turn.fence),
    )
    tx.execute("UPDATE fulfilment_order SET state = 'owned' WHERE fo = ?", (turn.fo,))
    return True
