"""Rights follow demand while lines are up: a bounded job in the background, called by the centre's timers.

It looks at what has moved lately and, slowly, at everything else; grants from the pool, or asks a store for
units of its share. With hysteresis, so that units do not go to and fro, and never at a store whose line
is down: what it was told last is what it sells by. What units that arrive there are for, a store
judges by itself, by the needs that are published here.
"""

from __future__ import annotations

import json
import math

from server.db import Tx
from server.link.decide import publish
from server.policy.read import policy
from server.routing.map import map_of
from server.stock import book, demand
from server.stock.marks import Marks, Place, marks_of
from sync.rules import sizing
from sync.rules.sizing import Need

BITE = 200
SWEEP_MS = 60_000
SWEPT = 100
ASKED_MS = 60_000
"""A store that was asked so recently is not asked for the same goods again: its answer is under way."""
ANSWER_MS = 5_000
"""How long an order waits for a store's answer before it counts as unroutable."""
NEWS = math.log(1.5)
"""A need is told again when it has changed by half."""
ENOUGH_ELSEWHERE = 50


def rebalance(tx: Tx, now: int) -> int:
    """Look at what is due, at most a bite. How many rights moved or were asked for."""
    demand.learn(tx, now)
    if not policy(tx, "rebalance"):
        return 0
    marks = marks_of(tx)
    due = _due(tx, marks, now)
    if not due:
        return 0
    up = {row[0] for row in tx.execute("SELECT store FROM store_session WHERE closed_at = 0 AND number > 0")}
    needs, done = demand.Needs(tx, now), 0
    for store, sku in due:
        if store in up:
            done += _look(tx, marks, needs, store, sku, now)
        else:
            marks.away.setdefault(store, set()).add(sku)
    for store in up.intersection(marks.away):
        for sku in marks.away.pop(store):
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


def _due(tx: Tx, marks: Marks, now: int) -> list[Place]:
    wait = policy(tx, "rebalance_s") * 1000
    due: list[Place] = []
    for place, at in marks.moved.items():
        if at + wait > now or len(due) >= BITE:
            break
        due.append(place)
    for place in due:
        del marks.moved[place]
    if now - marks.swept_at >= SWEEP_MS:
        # What does not move by itself changes its worth all the same: with the hour, and with other stores.
        marks.swept_at = now
        rows = tx.execute(
            "SELECT store, sku FROM demand WHERE (store, sku) > (?, ?) AND store > '' AND sku > ''"
            " ORDER BY store, sku LIMIT ?",
            (*marks.swept, SWEPT),
        ).fetchall()
        marks.swept = (rows[-1][0], rows[-1][1]) if len(rows) == SWEPT else ("", "")
        due += [(row[0], row[1]) for row in rows]
        if len(marks.asked) > BITE:
            marks.asked = {place: at for place, at in marks.asked.items() if now - at < ASKED_MS}
    return due


def _look(tx: Tx, marks: Marks, needs: demand.Needs, store: str, sku: str, now: int) -> int:
    row = tx.execute(
        "SELECT share, pool, debt, suppressed FROM stock WHERE store = ? AND sku = ?", (store, sku)
    ).fetchone()
    if row is None or row["debt"] or row["suppressed"]:
        return 0  # count first, pay first
    elsewhere = tx.execute(
        "SELECT coalesce(sum(n), 0) FROM (SELECT share + pool AS n FROM stock WHERE sku = ? AND store <> ?"
        " AND share + pool > 0 LIMIT ?)",
        (sku, store, ENOUGH_ELSEWHERE),
    ).fetchone()[0]
    need = needs.of(store, sku, elsewhere)
    if need is None:
        return 0
    _tell(tx, store, sku, need)
    change = sizing.change(row["share"] + row["pool"], row["share"], need)
    if change > 0:
        moved = book.grant(tx, store, sku, change, now=now)
        marks.moved.pop((store, sku), None)  # its own move is no news
        return int(moved > 0)
    if change < 0 and now - marks.asked.get((store, sku), -ASKED_MS) >= ASKED_MS:
        _ask(tx, marks, (store, sku), -change, now)
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
    if row is not None and not _is_news(sizing.need_of(json.loads(row[0])), need):
        return
    publish(tx, f"needs:{store}", sku, sizing.body_of(need))


def _is_news(told: Need, need: Need) -> bool:
    if told.favour != need.favour:
        return True
    pairs = ((told.till, need.till), (told.online, need.online))
    return any(abs(math.log(max(a, 1e-3) / max(b, 1e-3))) > NEWS for a, b in pairs)


def _weight(tx: Tx, store: str, sku: str, free: int, now: int) -> float:
    found = demand.rates(tx, store, sku, now)
    return sizing.shipping_weight(found.till, found.pickup, free) if found else 0.0
