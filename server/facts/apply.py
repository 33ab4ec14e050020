"""One fact, one effect, one verdict.

The link gives every fact here inside a savepoint, in the order of its number, with the store taken
from the link's credentials and never from the body. A fact that is not understood, names a SKU
nobody knows or another store's assignment is parked with a case; everything else has its effect.
"""

from __future__ import annotations

import msgspec

from server.cases.book import Evidence, open_case
from server.db import Tx
from server.facts.check import nonsense
from server.facts.source import Source
from server.facts.stock import stock_fact
from server.facts.verdict import Verdict
from server.offers import lost
from server.offers.facts import assignment_fact
from server.stock import book
from sync.rules.reasons import REASONS
from sync.rules.stock import moves, released
from sync.wire.facts import Body, Declined, Fact, HandedOver, HandoverUndone, Shipped, Shorted, body_of

LOST_TURN = "unknown_fence"

__all__ = ["ASSIGNMENT_KINDS", "Verdict", "apply_fact"]

ASSIGNMENT_KINDS = frozenset(
    {"accepted", "declined", "pick_started", "picked", "pick_undone", "shorted", "packed", "staged"}
    | {"handed_over", "handover_undone", "shipped", "put_back", "withdrawal_taken", "hold_expired"}
    | {"owned_before"}
)


def apply_fact(tx: Tx, store: str, incarnation: str, number: int, fact: Fact, *, now: int) -> Verdict:
    """The effect of a fact and what became of it. Never refuses, never raises for what a store sent."""
    source = Source(store, incarnation, number, fact, now)
    if not tx.execute("SELECT 1 FROM store WHERE code = ?", (store,)).fetchone():
        return _park(tx, source, "unknown_store")
    try:
        body = body_of(fact)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
        return _park(tx, source, "unreadable")
    if body is None:
        return _park(tx, source, "unknown_kind")
    why = nonsense(body)
    if why:
        return _park(tx, source, why)
    if fact.kind in ASSIGNMENT_KINDS:
        if isinstance(body, Shorted) and body.instead and not _known(tx, body.instead):
            # The order must go on whatever the goods turn out to be: only they wait for a person.
            _unknown_sku(tx, source, body.instead)
            body = msgspec.structs.replace(body, instead="")
        return _of_assignment(tx, source, body)
    sku = getattr(body, "sku", None)
    if sku is not None and not _known(tx, sku):
        return Verdict("parked", "unknown_sku", _unknown_sku(tx, source, sku))
    return stock_fact(tx, source, body)


def _known(tx: Tx, sku: str) -> bool:
    return tx.execute("SELECT 1 FROM item WHERE sku = ?", (sku,)).fetchone() is not None


def _unknown_sku(tx: Tx, source: Source, sku: str) -> str:
    return open_case(
        tx,
        "unknown_sku",
        now=source.now,
        store=source.store,
        sku=sku[:64],
        params={"kind": source.fact.kind},
        evidence=[source.evidence()],
        join=True,
    )


def _of_assignment(tx: Tx, source: Source, body: Body) -> Verdict:
    fact = source.fact
    row = tx.execute("SELECT store, fo FROM assignment WHERE fence = ?", (fact.fence,)).fetchone()
    if row is not None and row["store"] == source.store:
        return assignment_fact(tx, source.store, source.number, source.incarnation, fact, body, source.now)
    booked = row is None and (_left_all_the_same(tx, source, body) or _gone_all_the_same(tx, source, body))
    if row is None:
        # A centre restored from a backup may have forgotten it; a person asks the store.
        kind, params = "unknown_fence", {"kind": fact.kind}
    else:
        kind, params = "forged_fact", {"kind": fact.kind, "owner": row["store"]}
    case = open_case(
        tx,
        kind,
        now=source.now,
        store=source.store,
        fence=fact.fence,
        order_no=_order_of(tx, body) if booked else "",
        fo=row["fo"] if row else "",
        params=params,
        evidence=[source.evidence()],
        join=True,
    )
    if booked:
        return Verdict("stale", LOST_TURN, case)
    return Verdict("parked", "other_store" if row else "unknown_fence", case)


def _left_all_the_same(tx: Tx, source: Source, body: Body) -> bool:
    """The assignment is lost with the days since a backup, the order perhaps too; the goods left the
    store all the same, the stock follows them, and nobody else brings them. False where the fact does not
    say which goods."""
    if not isinstance(body, HandedOver | HandoverUndone | Shipped) or not body.goods:
        return False
    if not all(_known(tx, sku) for sku, _ in body.goods):
        return False
    back = isinstance(body, HandoverUndone)
    if back and body.goods != _last_left(tx, source):
        return False  # taking back what never left would mint goods
    order_no = _order_of(tx, body)
    if order_no and not back:
        # First whoever was to bring them: where that is this store, its reservation is what they were.
        lost.left(tx, source, order_no, body.goods)
    signed = [(sku, -qty if back else qty) for sku, qty in body.goods]
    book.apply_moves(tx, source.store, released(signed), source.cause())
    if order_no and back:
        lost.came_back(tx, source, order_no, body.goods)
    return True


def _gone_all_the_same(tx: Tx, source: Source, body: Body) -> bool:
    """The store could not pick units: whatever order they were for, the shelf is as it says. False where
    the fact does not say which goods."""
    if not isinstance(body, Shorted | Declined) or not body.sku or not _known(tx, body.sku):
        return False
    book.apply_moves(tx, source.store, moves(body, body.sku), source.cause(body.reason))
    reason = REASONS.get(body.reason)
    if reason is not None and reason.suppresses_sku:
        book.suppress(tx, source.store, body.sku, now=source.now, reason=body.reason)
    return True


def _order_of(tx: Tx, body: Body) -> str:
    """The order that a release names, where this centre knows it."""
    named = str(getattr(body, "order", ""))
    known = named and tx.execute("SELECT 1 FROM shop_order WHERE no = ?", (named,)).fetchone()
    return named if known else ""


def _last_left(tx: Tx, source: Source) -> tuple[tuple[str, int], ...] | None:
    """The goods of the newest hand-over under a lost turn, unless they were taken back already."""
    row = tx.execute(
        "SELECT kind, raw FROM fact WHERE fence = ? AND store = ? AND verdict = 'stale' AND note = ?"
        " AND kind IN ('handed_over', 'handover_undone') ORDER BY rowid DESC LIMIT 1",
        (source.fact.fence, source.store, LOST_TURN),
    ).fetchone()
    if row is None or row["kind"] != "handed_over":
        return None
    body = body_of(msgspec.json.decode(row["raw"], type=Fact))
    assert isinstance(body, HandedOver)
    return body.goods


def _park(tx: Tx, source: Source, reason: str) -> Verdict:
    case = open_case(
        tx,
        "parked_fact",
        now=source.now,
        store=source.store,
        fence=source.fact.fence,
        params={"kind": source.fact.kind[:40], "reason": reason},
        evidence=[Evidence(source.store, source.incarnation, source.number, source.fact.kind[:40], reason)],
        join=True,
    )
    return Verdict("parked", reason, case)
