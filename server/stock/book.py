"""The only writer of table stock. Every movement leaves a ledger row and tells routing.

    on_hand + debt = reserved + share + pool        reserved, share, pool ≥ 0

holds after every call, whatever a store reports. Pool is always what remains. Where a fact takes
more than there were rights, the pool goes down as far as it goes and the rest becomes debt; the
store is told of a debt that the centre found by `debt_paid` with a quantity below zero, so that both
sides stay equal by plain addition.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.cases.book import close_cases
from server.db import Tx
from server.link.decide import decide
from server.routing.map import on_share, on_stock
from server.stock.cause import Beyond, Cause
from server.stock.marks import mark
from sync.rules.rights import Rights, settle
from sync.rules.stock import Move
from sync.wire import decisions as d

__all__ = [
    "Beyond", "Cause", "apply_moves", "ask", "consume", "free", "grant", "is_suppressed", "pay_debts",
    "promise", "rereserve", "suppress", "unsuppress",
]  # fmt: skip

_ROW = "SELECT on_hand, reserved, share, pool, debt, suppressed FROM stock WHERE store = ? AND sku = ?"
_LEDGER = (
    "INSERT INTO stock_ledger (store, sku, at, reason, on_hand, reserved, share, pool, debt, damaged, hold,"
    " incarnation, number, fence, person, note, owed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


def promise(
    tx: Tx, store: str, rows: Iterable[tuple[str, int]], *, fence: int, now: int, person: str = ""
) -> bool:
    """Reserve units of the pool for an assignment: all of them or none.

    The guard is in the UPDATE: whatever a map in memory believed, the database decides.
    """
    wanted: dict[str, int] = {}
    for sku, qty in rows:
        assert qty > 0, (sku, qty)
        wanted[sku] = wanted.get(sku, 0) + qty
    cause = Cause("promise", now, fence=fence, person=person)
    pools: list[tuple[str, int]] = []
    tx.execute("SAVEPOINT promise")
    for sku, qty in wanted.items():
        row = tx.execute(
            "UPDATE stock SET pool = pool - ?1, reserved = reserved + ?1"
            " WHERE store = ?2 AND sku = ?3 AND pool >= ?1 AND suppressed = 0 RETURNING pool",
            (qty, store, sku),
        ).fetchone()
        if row is None:
            tx.execute("ROLLBACK TO promise")
            tx.execute("RELEASE promise")
            return False
        pools.append((sku, row[0]))
        _note(tx, store, sku, cause, reserved=qty, pool=-qty)
    tx.execute("RELEASE promise")
    for sku, pool in pools:
        on_stock(tx, store, sku, pool, False)
        mark(tx, store, sku, now)
    return True


def free(tx: Tx, store: str, sku: str, qty: int, *, fence: int, now: int, cause: Cause | None = None) -> int:
    """Give reserved units back: debt here is paid first, what remains joins the pool."""
    why = cause or Cause("free", now, fence=fence)
    row = tx.execute("SELECT reserved FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    freed = min(max(qty, 0), row["reserved"] if row else 0)
    if freed:
        _move(tx, store, Move(sku), why, reserved=-freed)
    return freed


def consume(
    tx: Tx,
    store: str,
    sku: str,
    qty: int,
    *,
    fence: int,
    now: int,
    cause: Cause | None = None,
    damaged: int = 0,
) -> Beyond:
    """Reserved units that left or became unsellable: `on_hand` and `reserved` go down together.

    A quantity below zero is a hand-over that was undone: both come back.
    """
    why = cause or Cause("released", now, fence=fence)
    return _move(tx, store, Move(sku, on_hand=-qty, damaged=damaged), why, reserved=-qty)


def rereserve(
    tx: Tx, store: str, sku: str, upto: int, *, fence: int, now: int, cause: Cause | None = None
) -> int:
    """Reserve up to `upto` units for goods that are in a tote already; returns how many the pool had."""
    row = tx.execute("SELECT pool FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    taken = min(max(upto, 0), row["pool"] if row else 0)
    if taken:
        _move(tx, store, Move(sku), cause or Cause("rereserve", now, fence=fence), reserved=taken)
    return taken


def apply_moves(tx: Tx, store: str, moves: Iterable[Move], cause: Cause) -> Beyond:
    """What a fact (or HQ) did to stock. Debt that remains is paid by breaking open offers, or is a case."""
    beyond = Beyond()
    for move in moves:
        beyond += _move(tx, store, move, cause)
        pay_debts(tx, store, move.sku, cause.now, cause=cause)
    return beyond


def grant(tx: Tx, store: str, sku: str, qty: int, *, now: int, person: str = "") -> int:
    """Move units from the pool to the store's share; returns how many the pool had.

    The pool is lowered in the same transaction that makes the decision: a message lost in between
    hides a unit for a while, the other order could sell it twice.
    """
    row = tx.execute("SELECT pool FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    given = min(max(qty, 0), row["pool"] if row else 0)
    if given:
        _move(tx, store, Move(sku, share=given), Cause("granted", now, person=person))
        decide(tx, store, d.Granted(sku, given), at=now)
    return given


def ask(tx: Tx, store: str, sku: str, qty: int, *, now: int) -> int:
    """Ask a store to give units of its share. Nothing is promised before `gave` has arrived."""
    assert qty > 0, qty
    return decide(tx, store, d.Asked(sku, qty), at=now)


def suppress(
    tx: Tx,
    store: str,
    sku: str,
    *,
    now: int,
    reason: str = "not_found",
    not_by: str = "",
    ask_count: bool = False,
) -> bool:
    """Stop promising a SKU from here until it was counted.

    A store that could not find something makes its own count task, line or no line; `ask_count` is
    for when the centre doubts by itself.
    """
    _make_row(tx, store, sku)
    row = tx.execute(
        "UPDATE stock SET suppressed = 1 WHERE store = ? AND sku = ? AND suppressed = 0 RETURNING pool",
        (store, sku),
    ).fetchone()
    if row is None:
        return False
    on_stock(tx, store, sku, row["pool"], True)
    _note(tx, store, sku, Cause("suppressed", now, note=reason))
    if ask_count:
        decide(tx, store, d.CountAsked(sku, reason, not_by), at=now)
    return True


def unsuppress(tx: Tx, store: str, sku: str) -> bool:
    """The SKU was counted: what the book says can be promised again."""
    row = tx.execute(
        "UPDATE stock SET suppressed = 0 WHERE store = ? AND sku = ? AND suppressed = 1 RETURNING pool",
        (store, sku),
    ).fetchone()
    if row is None:
        return False
    on_stock(tx, store, sku, row["pool"], False)
    return True


def is_suppressed(tx: Tx, store: str, sku: str) -> bool:
    row = tx.execute("SELECT suppressed FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    return bool(row and row[0])


def pay_debts(tx: Tx, store: str, sku: str, now: int, *, cause: Cause | None = None) -> int:
    """Pay debt by breaking open offers where the pool could not; returns what stays unpaid."""
    row = tx.execute("SELECT debt FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    if row is None or row["debt"] <= 0:
        return 0
    from server.stock.debts import break_offers  # it ends turns, and turns free stock through this book

    return break_offers(tx, store, sku, cause or Cause("debt", now))


def _move(tx: Tx, store: str, move: Move, cause: Cause, *, reserved: int = 0) -> Beyond:
    """One movement of one SKU. Clamps what goes beyond rights, pays debt from the pool, writes the ledger."""
    sku = move.sku
    old = tx.execute(_ROW, (store, sku)).fetchone()
    if old is None:
        _make_row(tx, store, sku)
        old = tx.execute(_ROW, (store, sku)).fetchone()
    void = cause.number > 0 and _is_closed(tx, store, cause.incarnation)
    # Rights of a closed incarnation are void: what it took from its share comes out of the pool, what
    # it kept for its share goes there. The live replica is told of the goods as a difference.
    share = 0 if void else move.share

    before = Rights(old["on_hand"], old["reserved"], old["share"], old["pool"], old["debt"])
    (on_hand, new_reserved, new_share, pool, debt), found, paid, phantom_share = settle(
        before, move, reserved=reserved, share=share
    )

    tx.execute(
        "UPDATE stock SET on_hand = ?, reserved = ?, share = ?, pool = ?, debt = ?, damaged = damaged + ?,"
        " hold = hold + ? WHERE store = ? AND sku = ?",
        (on_hand, new_reserved, new_share, pool, debt, move.damaged, move.hold, store, sku),
    )
    _note(
        tx,
        store,
        sku,
        cause,
        on_hand=move.on_hand,
        reserved=new_reserved - old["reserved"],
        share=new_share - old["share"],
        pool=pool - old["pool"],
        debt=debt - old["debt"],
        damaged=move.damaged,
        hold=move.hold,
        owed=max(0, move.debt) + found,
    )
    if void and (move.on_hand or move.debt):
        decide(tx, store, d.StockLoaded(f"replay:{cause.number}", ((sku, move.on_hand, 0),)), at=cause.now)
    # What the store does not know yet: debt it reported itself is in its own books already.
    told = paid - found - (move.debt if void else 0)
    if told:
        decide(tx, store, d.DebtPaid(sku, told), at=cause.now)
    if old["debt"] > 0 and debt <= 0:
        close_cases(tx, "debt", store=store, sku=sku, now=cause.now, outcome="paid")
    if pool != old["pool"]:
        on_stock(tx, store, sku, pool, bool(old["suppressed"]))
    if new_share != old["share"]:
        on_share(tx, store, sku, new_share)
    mark(tx, store, sku, cause.now)
    tx.touched.add(f"stock:{store}")
    return Beyond(phantom_share, found)


def _make_row(tx: Tx, store: str, sku: str) -> None:
    tx.execute("INSERT INTO stock (store, sku) VALUES (?, ?) ON CONFLICT DO NOTHING", (store, sku))


def _is_closed(tx: Tx, store: str, incarnation: str) -> bool:
    row = tx.execute(
        "SELECT state FROM replica WHERE store = ? AND incarnation = ?", (store, incarnation)
    ).fetchone()
    return row is not None and row["state"] == "closed"


def _note(tx: Tx, store: str, sku: str, cause: Cause, **change: int) -> None:
    of = change.get
    tx.execute(
        _LEDGER,
        (
            store,
            sku,
            cause.now,
            cause.reason,
            of("on_hand", 0),
            of("reserved", 0),
            of("share", 0),
            of("pool", 0),
            of("debt", 0),
            of("damaged", 0),
            of("hold", 0),
            cause.incarnation,
            cause.number,
            cause.fence,
            cause.person,
            cause.note,
            of("owed", 0),
        ),
    )
