"""Policy as numbers, with the defaults in one table.

HQ sets a policy for everybody (`accept_s`), for a channel (`accept_s:tmall`), for a
kind of order (`accept_s::pickup`) or for both (`accept_s:tmall:pickup`); the most
special one counts. The few rows are read once and kept beside the connection, so
that routing an order asks the database nothing.
"""

from __future__ import annotations

import sqlite3
from weakref import WeakKeyDictionary

DEFAULTS: dict[str, int] = {
    "accept_s": 30 * 60,  # an unanswered offer moves on after this
    "hold_s": 48 * 3600,  # ownership, and how long a pickup waits for its shopper
    "max_attempts": 5,  # turns of one fulfilment order before a person decides
    "region_reassign_per_min": 60,  # lapsed offers moved on per region and minute
    "may_move_km": 0,  # a pickup may go to a store this near; 0 = a person decides
    "may_split": 1,  # several stores for one order, as last resort
    "max_parts": 4,  # stores that one order may be split over at once
    "pickup_partial": 1,  # the chosen store starts with what it has; the rest waits
    "started_grace_s": 4 * 3600,  # a shipment under work is left with its store this much longer
    "retry_s": 600,  # how often an unroutable part is tried without any news of stock
    "silence_s": 24 * 3600,  # after `owner_until`, how long to wait for a silent store before a case
    "unheard_s": 15 * 60,  # after a restore, how long to wait for a store that says nothing before a case
    "ship_margin_km": 300,  # a shipment may come this much farther, from who needs it least; 0 = nearest
    "rebalance": 1,  # rights move between share and pool by demand; 0 = they stay as they fall
    "rebalance_s": 30,  # how long after a movement the split is looked at again
    "transfer_s": 72 * 3600,  # goods sent to another store are looked for after this
    "outage_s": 60,  # the centre was away for longer than this: deadlines are extended
}

_KEPT: WeakKeyDictionary[sqlite3.Connection, dict[str, int]] = WeakKeyDictionary()


def policy(tx: sqlite3.Connection, name: str, channel: str = "", kind: str = "") -> int:
    """The number that counts for this channel and kind of order. KeyError: no such policy."""
    kept = _KEPT.get(tx)
    if kept is None:
        kept = _KEPT[tx] = _read(tx)
    if kept:
        for key in (f"{name}:{channel}:{kind}", f"{name}:{channel}", f"{name}::{kind}", name):
            if key in kept:
                return kept[key]
    return DEFAULTS[name]


def set_policy(tx: sqlite3.Connection, name: str, value: int, channel: str = "", kind: str = "") -> None:
    """Write one number. A name that is not in `DEFAULTS` is a slip of the pen: KeyError."""
    if name not in DEFAULTS:
        raise KeyError(name)
    key = f"{name}:{channel}:{kind}" if kind else f"{name}:{channel}" if channel else name
    tx.execute(
        "INSERT INTO policy (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, str(value)),
    )
    forget_policy(tx)


def forget_policy(tx: sqlite3.Connection) -> None:
    """Read again next time; for whoever wrote the table by hand, and after a rollback."""
    _KEPT.pop(tx, None)


def _read(tx: sqlite3.Connection) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, value in tx.execute("SELECT key, value FROM policy").fetchall():
        if key.split(":")[0] in DEFAULTS:
            try:
                found[key] = int(value)
            except ValueError:
                continue  # an unreadable number must not stop orders: the default counts
    return found
