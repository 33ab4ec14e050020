"""Rights follow demand while lines are up: a bounded job in the background, called by the centre's timers.

It looks at what has moved lately and, slowly, at everything else; grants from the pool, or asks a store for
units of its share. With hysteresis, so that units do not go to and fro, and never at a store whose line
is down: what it was told last is what it sells by. What units that arrive there are for, a store
judges by itself, by the needs that are published here.
"""

from __future__ import annotations

import json
from collections.abc import Container

from server.db import Tx
from server.link.decide import publish
from server.policy.read import policy
from server.routing.map import map_of
from server.stock import book, demand
from server.stock.marks import START, Marks, Place, marks_of
from sync.rules import sizing
from sync.rules.sizing import Need

BITE = 100
SWEPT = 50
ROUND_MS = 7 * 24 * 3_600_000
"""What does not move by itself is looked at once in so long, as many rows at a time as `SWEPT`. Its worth
changes slowly, as sums do that fade over weeks."""
LONG_REST = 1.0
"""Units that lie still move only where the other side values them twice as much: what is learnt day by day
of thousands of SKUs that hardly sell would send them to and fro."""
ASKED_MS = 60_000
"""A store that was asked so recently is not asked for the same goods again: its answer is under way."""
ANSWER_MS = 5_000
"""How long an order waits for a store's answer before it counts as unroutable."""


def rebalance(tx: Tx, now: int) -> int:
    """Look at what is due, at most a bite. How many rights moved or were asked for."""
    demand.learn(tx, now)
    if not policy(tx, "rebalance"):
        return 0
    marks = marks_of(tx)
    moved = _moved(tx, marks, now)
    swept = _swept(tx, marks, now) if len(moved) < BITE else []
    if not (moved or swept or marks.away):
        return 0
    up = {row[0] for row in tx.execute("SELECT store FROM store_session WHERE closed_at = 0 AND number > 0")}
    needs, done = demand.Needs(tx, now), 0
    for place in moved:
        if place[0] in up:
            done += _look(tx, marks, needs, place, now, up, sizing.HYSTERESIS)
        else:
            marks.keep_for_later(*place)
    for place in swept:
        if place[0] in up:
            done += _look(tx, marks, needs, place, now, up, LONG_REST)
    for store in sorted(up.intersection(marks.away)):
        for sku in sorted(marks.away.pop(store)):
            marks.moved.setdefault((store, sku), now)
    return done


def next_due(tx: Tx) -> int | None:
    """When something that moved is to be looked at; None while nothing waits."""
    moved = marks_of(tx).moved
    if not moved or not map_of(tx).knows_demand or not policy(tx, "rebalance"):
        return None
    return next(iter(moved.values())) + policy(tx, "rebalance_s") * 1000


def want(tx: Tx, store: str, rows: list[tuple[str, int]], now: int) -> int:
    """A till has less share than a shopper wants: grant it, each row whole or not. Rows granted."""
    granted = 0
    for sku, qty in rows:
        row = tx.execute(
            "SELECT pool, suppressed FROM stock WHERE store = ? AND sku = ?", (store, sku)
        ).fetchone()
        if row is not None and 0 < qty <= row["pool"]:
            granted += book.grant(tx, store, sku, qty, now=now) == qty
    return granted


def pull(
    tx: Tx,
    rows: list[tuple[str, int]],
    now: int,
    *,
    only: str = "",
    excluded: frozenset[str] = frozenset(),
) -> int:
    """Nobody's pool has what an order wants: ask a connected store for units of its share.

    Nothing is promised before `gave` has arrived; then the order is routed again by itself. One store that
    has it all, the one that needs it least; `only`: a pickup is bound to its store. Rows asked for.
    """
    marks, asked = marks_of(tx), 0
    for sku, qty in rows:
        found = tx.execute(
            "SELECT k.store, k.share + k.pool AS free, k.pool FROM stock k"
            " JOIN store_session s ON s.store = k.store AND s.closed_at = 0 AND s.number > 0"
            " JOIN store t ON t.code = k.store AND t.active AND NOT t.paused"
            # Whose pool has it was passed over for another reason (it declined, it is closed).
            " WHERE k.sku = ?1 AND k.share > 0 AND k.pool < ?2 AND k.share + k.pool >= ?2"
            " AND NOT k.suppressed AND NOT EXISTS"
            " (SELECT 1 FROM left_out l WHERE l.store = k.store AND l.sku = k.sku AND l.until > ?4)"
            " AND (?3 = '' OR k.store = ?3) ORDER BY k.share DESC, k.store LIMIT 50",
            (sku, qty, only, now),
        ).fetchall()
        found = [row for row in found if row["store"] not in excluded]
        if not found:
            continue
        best = min(found, key=lambda row: (_weight(tx, row["store"], sku, row["free"], now), row["store"]))
        if now - marks.asked.get((best["store"], sku), -ASKED_MS) >= ASKED_MS:
            _ask(tx, marks, (best["store"], sku), qty - best["pool"], now)
            asked += 1
    return asked


def _moved(tx: Tx, marks: Marks, now: int) -> list[Place]:
    wait = policy(tx, "rebalance_s") * 1000
    due: list[Place] = []
    for place, at in marks.moved.items():
        if at + wait > now or len(due) >= BITE:
            break
        due.append(place)
    for place in due:
        del marks.moved[place]
    if len(marks.asked) > BITE:
        marks.asked = {place: at for place, at in marks.asked.items() if now - at < ASKED_MS}
    return due


def _swept(tx: Tx, marks: Marks, now: int) -> list[Place]:
    """What changed its worth without moving: with the weeks, and with other stores."""
    if marks.swept == START and marks.round_at and now - marks.round_at < ROUND_MS:
        return []
    rows = tx.execute(
        "SELECT store, sku FROM demand WHERE (store, sku) > (?, ?) AND store > '' AND sku > ''"
        " ORDER BY store, sku LIMIT ?",
        (*marks.swept, SWEPT),
    ).fetchall()
    if rows and marks.swept == START:
        marks.round_at = now
    marks.swept = (rows[-1][0], rows[-1][1]) if len(rows) == SWEPT else START
    return [(row[0], row[1]) for row in rows]


def _look(
    tx: Tx, marks: Marks, needs: demand.Needs, place: Place, now: int, up: Container[str], hysteresis: float
) -> int:
    store, sku = place
    row = tx.execute(
        "SELECT share, pool, debt, suppressed FROM stock WHERE store = ? AND sku = ?", (store, sku)
    ).fetchone()
    if row is None or row["debt"] or row["suppressed"]:
        return 0  # count first, pay first
    if hysteresis == LONG_REST and not row["share"] + row["pool"]:
        return 0  # nothing to split; what its last unit was for was told when that left
    need = needs.of(store, sku, needs.elsewhere(store, sku, up))
    if need is None:
        return 0
    _tell(tx, store, sku, need)
    change = sizing.change(row["share"] + row["pool"], row["share"], need, hysteresis=hysteresis)
    if change > 0:
        moved = book.grant(tx, store, sku, change, now=now)
        marks.moved.pop(place, None)  # its own move is no news
        return int(moved > 0)
    if change < 0 and now - marks.asked.get(place, -ASKED_MS) >= ASKED_MS:
        _ask(tx, marks, place, -change, now)
        return 1
    return 0


def _ask(tx: Tx, marks: Marks, place: Place, qty: int, now: int) -> None:
    marks.asked[place] = now
    book.ask(tx, *place, qty, now=now)


def _tell(tx: Tx, store: str, sku: str, need: Need) -> None:
    """Publish a need that is news, so that the store splits what arrives by it, line or no line."""
    row = tx.execute(
        "SELECT body FROM stream_row WHERE stream = ? AND key = ?", (f"needs:{store}", sku)
    ).fetchone()
    told = sizing.need_of(json.loads(row[0])) if row is not None else None
    if sizing.is_news(told, need):
        publish(tx, f"needs:{store}", sku, sizing.body_of(need))


def _weight(tx: Tx, store: str, sku: str, free: int, now: int) -> float:
    found = demand.rates(tx, store, sku, now)
    return sizing.shipping_weight(found.till, found.pickup, free) if found else 0.0
