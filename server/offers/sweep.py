"""Deadlines. They live in the database and are judged by the centre's clock, in bounded bites.

After an outage of the centre the deadlines are extended before anything lapses: nobody
could have answered. How many offers move on per region and minute is capped; those
above the cap get a later deadline, said to their stores, so that a region without a
line does not play ping-pong and no offer stands past its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from weakref import WeakSet

from server.cases.book import open_case
from server.db import Tx
from server.link.decide import decide
from server.offers import confirm, returning, turn
from server.offers.doubt import IN_DOUBT
from server.offers.rows import TurnRow, part_of, turn_of
from server.policy.read import policy
from server.routing.map import forget_left_out, map_of
from sync.wire import decisions as d

BITE = 200
"""Turns ended in one call at most: the writer has other work too."""
HEARTBEAT_MS = 10_000
FOR_EVER = 2**62

_AWAKE: WeakSet[Tx] = WeakSet()
"""Connections whose process has looked for an outage before its first sweep."""

TOLD_MS = 60_000
"""A line that says nothing for this long is given up, so no frame is longer under way than this."""
LEAD_MS = 5 * 60_000
"""Started work is left longer with its store this much before its time, while the store can still hear it."""

# Not judged: a store that may have handed over in time and not have told it yet. It has told everything
# when it was heard well after its ownership ran out, with no fact waiting. Whether its line counts as up
# says nothing: a line dies unnoticed, and one that came back begins with what was done without it.
# Its own clock stops the store meanwhile, and its facts say how it ended.
_OVER_HOLD = (
    "FROM assignment a LEFT JOIN store_session s ON s.store = a.store"
    " WHERE a.ended_at = 0 AND a.ownership = 'confirmed'"
    f" AND (s.store IS NULL OR (s.heard_at >= a.owner_until + {TOLD_MS} AND s.unsent = 0))"
)
_OPEN_OFFERS = f"FROM assignment a WHERE a.ended_at = 0 AND a.ownership = 'none' AND NOT {IN_DOUBT}"
_STARTED = (
    "SELECT a.fence, a.owner_until, a.confirmed_at, o.channel, o.kind FROM assignment a"
    " JOIN fulfilment_order f ON f.fo = a.fo JOIN shop_order o ON o.no = f.order_no"
    " LEFT JOIN store_session s ON s.store = a.store"
    " WHERE a.ended_at = 0 AND a.ownership = 'confirmed' AND a.withdraw_requested_at = 0"
    " AND o.kind <> 'pickup' AND a.state NOT IN ('offered', 'accepted') AND coalesce(s.closed_at, 0) = 0"
    " AND a.owner_until <= ? ORDER BY a.owner_until, a.fence"
)


def sweep(tx: Tx, now: int) -> int:
    """Everything whose time has come, at most a bite of it; how much was done."""
    done = 0
    if tx not in _AWAKE:
        done += wake(tx, now)
    _heartbeat(tx, now)
    done += _lapse(tx, now)
    done += _leave_longer(tx, now)
    done += _end_holds(tx, now)
    done += _silent(tx, now)
    done += confirm.go_on(tx, now, BITE)
    done += confirm.ask_about_the_silent(tx, now, BITE)
    done += forget_left_out(tx, now)
    done += _retry(tx, now)
    return done


def next_due(tx: Tx) -> int | None:
    """When something is due next, in ms since 1970; None while nothing can be."""
    if map_of(tx).retry or confirm.next_due(tx) is not None:
        return 0
    due = [
        tx.execute(sql).fetchone()[0]
        for sql in (
            f"SELECT min(a.accept_by) {_OPEN_OFFERS}",
            f"SELECT min(a.owner_until) {_OVER_HOLD}",
            "SELECT min(next_try_at) FROM fulfilment_order WHERE state = 'waiting' AND next_try_at > 0",
            "SELECT min(until) FROM left_out",
        )
    ]
    due += [owner_until - LEAD_MS for _, owner_until, _ in islice(_begun(tx, FOR_EVER), 1)]
    return min((one for one in due if one is not None), default=None)


def wake(tx: Tx, now: int) -> int:
    """Before the first sweep of a process: was the centre away? Then extend what ran meanwhile."""
    _AWAKE.add(tx)
    pools = map_of(tx)
    if not pools.whole:
        pools.load_all()
    row = tx.execute("SELECT value FROM meta WHERE key = 'last_seen_at'").fetchone()
    if row is None or now - int(row[0]) <= policy(tx, "outage_s") * 1000:
        return 0
    return extend_deadlines(tx, int(row[0]), now)


def extend_deadlines(tx: Tx, since: int, now: int) -> int:
    """The centre did not listen from `since` to `now`: that time does not count. How many moved."""
    away = max(0, now - since)
    rows = tx.execute(
        "UPDATE assignment SET accept_by = accept_by + ?1 WHERE ended_at = 0 AND ownership = 'none'"
        " AND accept_by > ?2 AND offered_at <= ?2 RETURNING fence, store, accept_by, 0",
        (away, since),
    ).fetchall()
    rows += tx.execute(
        "UPDATE assignment SET owner_until = owner_until + ?1 WHERE ended_at = 0 AND ownership = 'confirmed'"
        " AND owner_until > ?2 AND confirmed_at <= ?2 AND withdraw_requested_at = 0"
        " RETURNING fence, store, 0, owner_until",
        (away, since),
    ).fetchall()
    for fence, store, accept_by, owner_until in rows:
        decide(tx, store, d.Extended(accept_by, owner_until), at=now, fence=fence)
    return len(rows)


def _heartbeat(tx: Tx, now: int) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('last_seen_at', ?1) ON CONFLICT (key) DO UPDATE"
        " SET value = excluded.value WHERE CAST(value AS INTEGER) < ?2",
        (str(now), now - HEARTBEAT_MS),
    )


def _lapse(tx: Tx, now: int) -> int:
    """Offers that nobody accepted move on, the oldest deadline first, as far as the region's cap goes."""
    rows = tx.execute(
        f"SELECT a.fence, (SELECT region FROM store WHERE code = a.store) {_OPEN_OFFERS}"
        " AND a.accept_by <= ? ORDER BY a.accept_by, a.fence LIMIT ?",
        (now, BITE),
    ).fetchall()
    if not rows:
        return 0
    cap = policy(tx, "region_reassign_per_min")
    moved: dict[str, int] = defaultdict(int)
    for region, count in tx.execute(
        "SELECT s.region, count(*) FROM assignment a JOIN store s ON s.code = a.store"
        " WHERE a.ended_at > ? AND a.ended_reason = 'lapsed' GROUP BY s.region",
        (now - 60_000,),
    ).fetchall():
        moved[region] = count
    for fence, region in rows:
        moved[region] += 1
        late = turn_of(tx, fence)
        if late is None or late.ended_at or late.owned:
            continue  # ended by what an earlier one of this bite brought about
        if moved[region] <= cap:
            turn.finish(tx, late, "lapsed", now)
        else:
            _later(tx, late, now + 60_000 * ((moved[region] - 1) // max(cap, 1)), now)
    return len(rows)


def _later(tx: Tx, late: TurnRow, accept_by: int, now: int) -> None:
    tx.execute("UPDATE assignment SET accept_by = ? WHERE fence = ?", (accept_by, late.fence))
    decide(tx, late.store, d.Extended(accept_by=accept_by), at=now, fence=late.fence)


def _leave_longer(tx: Tx, now: int) -> int:
    """Work that has begun is not torn from the hands of those who do it, once. Said before its time has
    come, or the store's own clock would end it first."""
    given = list(islice(_begun(tx, now + LEAD_MS), BITE))
    for fence, owner_until, grace in given:
        until = max(now, owner_until) + grace
        (store,) = tx.execute(
            "UPDATE assignment SET owner_until = ? WHERE fence = ? RETURNING store", (until, fence)
        ).fetchone()
        decide(tx, store, d.Extended(owner_until=until), at=now, fence=fence)
    return len(given)


def _begun(tx: Tx, until: int) -> Iterator[tuple[int, int, int]]:
    """Shipments under work whose ownership ends before `until` for the first time: fence, end, grace."""
    for fence, owner_until, confirmed_at, channel, kind in tx.execute(_STARTED, (until,)).fetchall():
        grace = policy(tx, "started_grace_s", channel, kind) * 1000
        if grace and owner_until - confirmed_at <= policy(tx, "hold_s", channel, kind) * 1000:
            yield fence, owner_until, grace


def _end_holds(tx: Tx, now: int) -> int:
    """Ownership that has run out, where the store could have told how it ended and did not."""
    fences = tx.execute(
        f"SELECT a.fence {_OVER_HOLD} AND a.owner_until <= ? ORDER BY a.owner_until, a.fence LIMIT ?",
        (now, BITE),
    ).fetchall()
    for (fence,) in fences:
        row = turn_of(tx, fence)
        if row is None or row.ended_at:
            continue
        returning.over_hold(tx, row, now)
    return len(fences)


def _silent(tx: Tx, now: int) -> int:
    """Stores that hold goods past their time and have not been heard since: a person asks them."""
    wait = policy(tx, "silence_s") * 1000
    rows = tx.execute(
        "SELECT a.fence FROM assignment a JOIN store_session s ON s.store = a.store"
        " WHERE a.ended_at = 0 AND (a.ownership = 'confirmed' AND a.owner_until <= ?1"
        f" AND (s.heard_at < a.owner_until + {TOLD_MS} OR s.unsent > 0))"
        " AND NOT EXISTS (SELECT 1 FROM open_case c JOIN fulfilment_order f ON f.order_no = c.order_no"
        " WHERE f.fo = a.fo AND c.kind = 'store_silent' AND c.fence = a.fence) LIMIT ?",
        (now - wait, BITE),
    ).fetchall()
    for (fence,) in rows:
        row = turn_of(tx, fence)
        assert row is not None
        open_case(tx, "store_silent", now=now, store=row.store, order_no=row.order_no, fo=row.fo, fence=fence)
    return len(rows)


def _retry(tx: Tx, now: int) -> int:
    """Parts that wait: those whose stock grew somewhere, and those whose timer has come, oldest first."""
    pools = map_of(tx)
    due = {
        row[0]
        for row in tx.execute(
            "SELECT fo FROM fulfilment_order WHERE state = 'waiting' AND next_try_at > 0 AND next_try_at <= ?"
            " ORDER BY next_try_at LIMIT ?",
            (now, BITE),
        ).fetchall()
    }
    grown = sorted(pools.retry)[:BITE]
    pools.retry.difference_update(grown)
    tried = sorted(due.union(grown))
    for fo in tried:
        if part_of(tx, fo).state == "waiting":
            turn.route(tx, fo, now)
    return len(tried)
