"""What time does in a store. Called every second, so it only reads while nothing is due."""

from __future__ import annotations

from sync.replica import effects, log, notices, read
from sync.replica.commands import till_rows
from sync.replica.commands.base import Desk
from sync.replica.context import Context
from sync.sqlite import Connection
from sync.wire import facts as f

FORGET_AFTER_MS = 24 * 3_600_000
"""A shopper's name, phone and address leave the store's record a day after the work ended."""

_AT_WORK = "('accepted', 'picking', 'picked', 'packed', 'staged')"
_OVER = "('released', 'declined', 'closed')"


def run_due(tx: Connection, ctx: Context) -> int:
    """Do what is due by the clock; how many things were done."""
    return _expire_holds(tx, ctx) + _forget_shoppers(tx, ctx) + _try_till_rows(tx, ctx)


def next_due(db: Connection) -> int | None:
    """The centre's time, in ms, at which something here may become due."""
    due = [
        row[0]
        for row in (
            db.execute(
                "SELECT min(owner_until) FROM assignment WHERE ownership = 'confirmed' AND owner_until > 0 "
                f"AND state IN {_AT_WORK}"
            ).fetchone(),
            db.execute(
                f"SELECT min(changed_at) + {FORGET_AFTER_MS} FROM assignment "
                f"WHERE (shopper <> '' OR address <> '') AND state IN {_OVER}"
            ).fetchone(),
        )
        if row[0] is not None
    ]
    return min(due, default=None)


def _expire_holds(tx: Connection, ctx: Context) -> int:
    # Nothing leaves any more from the latest on that the centre's time can be (`commands.release`). Giving
    # up is another matter: it is for good, so a box that was restarted without a line, and does not know
    # the time, keeps what it owns until it does.
    rows = tx.execute(
        "SELECT fence, fo, order_no, state, owner_until FROM assignment WHERE ownership = 'confirmed' "
        f"AND owner_until > 0 AND owner_until <= ? AND state IN {_AT_WORK} ORDER BY fence",
        (ctx.moment.earliest,),
    ).fetchall()
    for fence, fo, order, state, owner_until in rows:
        units = sum(qty for _line, _sku, qty in read.to_put_back(tx, fence))
        body = f.HoldExpired(stage=state, to_put_back=units)
        log.append(tx, body, ctx, fence=fence)
        effects.apply(tx, body, ctx, fence)
        notices.make(
            tx,
            f"hold_expired:{fence}",
            "hold_expired",
            ctx.moment.now,
            fence,
            fo=fo,
            order=order,
            time=owner_until,
        )
    return len(rows)


def _try_till_rows(tx: Connection, ctx: Context) -> int:
    return till_rows.try_again(Desk(tx, ctx, read.meta(tx, "store")))


def _forget_shoppers(tx: Connection, ctx: Context) -> int:
    rows = tx.execute(
        f"SELECT fence FROM assignment WHERE (shopper <> '' OR address <> '') AND state IN {_OVER} "
        "AND changed_at < ? LIMIT 200",
        (ctx.moment.earliest - FORGET_AFTER_MS,),
    ).fetchall()
    tx.executemany(
        "UPDATE assignment SET shopper = '', phone_tail = '', address = '', note = '', code_salt = '', "
        "code_hash = '', collector = '' WHERE fence = ?",
        [(row[0],) for row in rows],
    )
    return len(rows)
