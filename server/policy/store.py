"""Policies that store nodes judge by themselves: kept in the same table, sent on the `policy` stream."""

from __future__ import annotations

import json
import sqlite3

from server.db import Tx
from server.link.decide import publish
from sync.replica.commands.picking import WAVE_MOST
from sync.replica.commands.shelf import ADJUST_ALONE
from sync.rules.counting import REVIEW_UNITS, REVIEW_VALUE_FEN

WORDS: dict[str, tuple[str, ...]] = {
    "till_mode": ("warn", "block", "file"),  # file: it asks nobody and tells at night what it sold
    "count_blind": ("yes", "no"),  # whether who counts is not told what should be there
    "print_parcel": ("yes", "no"),  # packing prints the parcel's label, where a store has a printer for it
    "handhelds": ("any", "listed"),  # whether a PIN is enough, or the device must have been set up by a code
}
"""Policies that are words, with what they may be; the first one holds where nothing is set."""
NUMBERS: dict[str, int] = {
    "wave_max": WAVE_MOST,  # fulfilment orders picked together
    "adjust_alone": ADJUST_ALONE,  # units an associate may take out of sale without a lead
    "count_review_units": REVIEW_UNITS,  # a count that differs by more waits for a second person
    "count_review_value_fen": REVIEW_VALUE_FEN,  # … and so does one of goods worth more
    "scan_gap_ms": 150,  # keys of one scan are closer than this
}


FOR_ONE_STORE = frozenset({"till_mode", "handhelds"})
"""Policies that a store may have of its own."""


def set_store_policy(tx: Tx, name: str, value: str, store: str = "") -> None:
    """Set it for every store, or for one. KeyError: no such policy. ValueError: not a value it can have."""
    if name in WORDS:
        if value not in WORDS[name]:
            raise ValueError(f"{name} is one of: {', '.join(WORDS[name])}")
    elif name in NUMBERS:
        if not value.isdecimal() or int(value) < 1:
            raise ValueError(f"{name} is a whole number above 0")
    else:
        raise KeyError(name)
    if store and name not in FOR_ONE_STORE:
        raise ValueError(f"{name} holds for every store")
    if store and not tx.execute("SELECT 1 FROM store WHERE code = ?", (store,)).fetchone():
        raise ValueError(f"there is no store {store}")
    key = f"{name}:{store}" if store else name
    tx.execute(
        "INSERT INTO policy (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
    publish(tx, "policy", key, {"value": value})


def till_mode(tx: sqlite3.Connection, store: str) -> str:
    """How the tills of a store treat what is not in its share: warn, block, or file. As stores are told."""
    row = tx.execute(
        "SELECT body FROM stream_row WHERE stream = 'policy' AND key IN (?, 'till_mode')"
        " ORDER BY length(key) DESC LIMIT 1",
        (f"till_mode:{store}",),
    ).fetchone()
    said = json.loads(row[0]) if row is not None else None
    found = str((said or {}).get("value", WORDS["till_mode"][0])).lower()
    return "block" if found == "1" else found
