"""Questions to the replica that commands, pages and notices share. They only read.

What is on the shelf, what is promised and what is free follow from the tables; nothing of
it is stored a second time.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.rules.sizing import Need, target
from sync.rules.states import State
from sync.sqlite import Connection
from sync.texts import N_

STATE_TEXTS: dict[State, str] = {
    State.OFFERED: N_("offered"),
    State.ACCEPTED: N_("accepted"),
    State.PICKING: N_("being picked"),
    State.PICKED: N_("picked"),
    State.PACKED: N_("packed"),
    State.STAGED: N_("waiting on the shelf"),
    State.RELEASED: N_("handed over"),
    State.DECLINED: N_("declined"),
    State.PUT_BACK: N_("to be put back"),
    State.CLOSED: N_("closed"),
}

KIND_TEXTS: dict[str, str] = {
    "pickup": N_("pickup"),
    "shipment": N_("shipment"),
    "same_day": N_("same-day delivery"),
}


def meta(db: Connection, key: str, default: str = "") -> str:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else default


def awaits_snapshot(db: Connection) -> bool:
    """This record is an older copy, or the centre was put back: what is owned here will be said anew."""
    return meta(db, "needs_snapshot") == "1"


def policy(db: Connection, key: str, default: str = "") -> str:
    row = db.execute("SELECT value FROM policy WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else default


def policy_number(db: Connection, key: str, default: int) -> int:
    try:
        return int(policy(db, key) or default)
    except ValueError:
        return default


# --- work --------------------------------------------------------------------------------


def assignment(db: Connection, fence: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM assignment WHERE fence = ?", (fence,)).fetchone()
    return row


def line(db: Connection, fence: int, number: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM assignment_line WHERE fence = ? AND line = ?", (fence, number)
    ).fetchone()
    return row


def lines(db: Connection, fence: int) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM assignment_line WHERE fence = ? ORDER BY line", (fence,)).fetchall()


def parcels(db: Connection, fence: int) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM parcel WHERE fence = ? ORDER BY code", (fence,)).fetchall()


def to_put_back(db: Connection, fence: int) -> list[tuple[int, str, int]]:
    """(line, SKU, units) that are in a tote, a parcel or on the counter and have to go back."""
    return [
        (row["line"], row["sku"], row["picked"] - row["released"] - row["put_back"])
        for row in lines(db, fence)
        if row["picked"] > row["released"] + row["put_back"]
    ]


def count_tasks(db: Connection, sku: str) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM task WHERE sku = ? AND kind = 'count' AND state = 'open' ORDER BY made_at, id", (sku,)
    ).fetchall()


# --- stock -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shelf:
    """One SKU as it should stand right now."""

    sku: str
    on_hand: int = 0
    share: int = 0
    debt: int = 0
    damaged: int = 0
    hold: int = 0
    suppressed: bool = False
    loose: int = 0
    """Picked and not gone: in totes, parcels, on the waiting shelf, or to be put back."""
    promised: int = 0
    """What open assignments still ask for, picked units included."""
    stranded: int = 0
    """Loose units of assignments that are over: not for sale until put back."""
    need: Need | None = None
    """What the share and the pool are for, as far as the centre has told."""

    @property
    def there(self) -> int:
        """Units that should be found on the sales shelf."""
        return self.on_hand - self.loose

    @property
    def free(self) -> int:
        """Units that no order known here has been promised."""
        return self.on_hand - self.promised - self.stranded

    def target(self, gain: int = 0) -> int:
        """The share to aim at once `gain` units more are on hand."""
        return target(self.free + gain, self.need)


def shelf(db: Connection, sku: str) -> Shelf:
    row = db.execute(
        "SELECT on_hand, share, debt, damaged, hold, suppressed FROM stock WHERE sku = ?", (sku,)
    ).fetchone()
    on_hand, share, debt, damaged, hold, suppressed = row or (0, 0, 0, 0, 0, 0)
    if share and meta(db, "rights_void"):
        share = 0  # an older copy of this database: what its share was used for since, nobody here knows
    wanted = db.execute("SELECT till, online, favour FROM need WHERE sku = ?", (sku,)).fetchone()
    need = Need(*wanted) if wanted else None
    promised = db.execute(
        "SELECT coalesce(sum(qty - short - released - put_back), 0) FROM assignment_line "
        "WHERE sku = ? AND open = 1",
        (sku,),
    ).fetchone()[0]
    loose, stranded = db.execute(
        "SELECT coalesce(sum(picked - released - put_back), 0), "
        "coalesce(sum(CASE open WHEN 0 THEN picked - released - put_back ELSE 0 END), 0) "
        "FROM assignment_line WHERE sku = ? AND picked > released + put_back",
        (sku,),
    ).fetchone()
    return Shelf(sku, on_hand, share, debt, damaged, hold, bool(suppressed), loose, promised, stranded, need)


@dataclass(frozen=True)
class Promise:
    fence: int
    fo: str
    order: str
    kind: str
    shopper: str
    state: str
    units: int


def promised_to(db: Connection, sku: str) -> list[Promise]:
    """Whom units of a SKU are promised to, the oldest promise first."""
    return [
        Promise(*row)
        for row in db.execute(
            "SELECT a.fence, a.fo, a.order_no, a.kind, a.shopper, a.state, l.qty - l.short - l.released "
            "FROM assignment_line l JOIN assignment a USING (fence) "
            "WHERE l.sku = ? AND l.open = 1 AND l.qty > l.short + l.released ORDER BY a.fence",
            (sku,),
        )
    ]


# --- words -------------------------------------------------------------------------------


def person_name(db: Connection, person: str) -> str:
    row = db.execute("SELECT name FROM person WHERE id = ?", (person,)).fetchone()
    return str(row[0]) if row else person


def item_name(db: Connection, sku: str) -> dict[str, str]:
    """By language, as refusals and notices take it."""
    row = db.execute("SELECT name_en, name_zh FROM item WHERE sku = ?", (sku,)).fetchone()
    return {"en": row[0] or sku, "zh": row[1] or row[0] or sku} if row else {"en": sku, "zh": sku}


def store_name(db: Connection, code: str) -> dict[str, str]:
    row = db.execute("SELECT name_en, name_zh FROM store WHERE code = ?", (code,)).fetchone()
    return {"en": row[0] or code, "zh": row[1] or row[0] or code} if row else {"en": code, "zh": code}


def store_called(db: Connection, text: str) -> dict[str, str] | str:
    """A store that the centre named, by code or English name, in every language this replica knows."""
    row = db.execute("SELECT code FROM store WHERE code = ?1 OR name_en = ?1", (text,)).fetchone()
    return store_name(db, row[0]) if row else text


def price_fen(db: Connection, sku: str) -> int:
    row = db.execute("SELECT price_fen FROM item WHERE sku = ?", (sku,)).fetchone()
    return int(row[0]) if row else 0


def shelf_place(db: Connection, sku: str) -> str:
    row = db.execute("SELECT location FROM shelf WHERE sku = ?", (sku,)).fetchone()
    return str(row[0]) if row else ""


def local_time(db: Connection, at: int, now: int) -> str:
    """A time of day in the store's zone; with the date where it is not today. Figures only."""
    if not at:
        return ""
    row = db.execute(
        "SELECT timezone FROM store WHERE code = (SELECT value FROM meta WHERE key = 'store')"
    ).fetchone()
    zone = _zone(row[0] if row else "UTC")
    then, today = (datetime.fromtimestamp(ms / 1000, tz=zone) for ms in (at, now))
    return then.strftime("%H:%M" if then.date() == today.date() else "%Y-%m-%d %H:%M")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
