"""Questions to the replica about count sheets: how far they are, and what they found. They only read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from sync.replica import read
from sync.rules.counting import Difference, Look, Shift, difference, shifts_of
from sync.sqlite import Connection, Row
from sync.wire import facts as f

MOVING = (
    *("picked", "pick_undone", "put_back", "shorted", "sold", "sale_voided", "received"),
    *("transfer_sent", "counted", "adjusted", "graded"),
)
"""Kinds of facts after which another number lies on the shelf, or should."""

_decode = msgspec.json.Decoder(f.Fact).decode


@dataclass(frozen=True)
class Area:
    area: str
    number: int
    finished: bool
    position: int
    person: str
    at: int
    skus: int = 0
    units: int = 0


@dataclass(frozen=True)
class Sheet:
    id: str
    kind: str
    name: str
    scope: str
    blind: bool
    made_by: str
    made_at: int
    state: str
    areas: Mapping[str, Area]

    @property
    def gate(self) -> str:
        """Goods come and go through the first area."""
        return next(iter(self.areas))

    @property
    def open_areas(self) -> list[str]:
        return [area.area for area in self.areas.values() if not area.finished]


def sheet(db: Connection, wanted: str, *, sums: bool = False) -> Sheet | None:
    """`sums`: with what was entered per area, for pages; a command does not wait for adding up."""
    row = db.execute("SELECT * FROM count_sheet WHERE id = ?", (wanted,)).fetchone()
    if row is None:
        return None
    areas = db.execute("SELECT * FROM count_area WHERE sheet = ? ORDER BY number", (wanted,)).fetchall()
    entered = _entered(db, wanted) if sums else {}
    return Sheet(
        row["id"],
        row["kind"],
        row["name"],
        row["scope"],
        bool(row["blind"]),
        row["made_by"],
        row["made_at"],
        row["state"],
        {
            a["area"]: Area(
                a["area"],
                a["number"],
                bool(a["finished"]),
                a["position"],
                a["person"],
                a["at"],
                *entered.get(a["area"], (0, 0)),
            )
            for a in areas
        },
    )


def _entered(db: Connection, wanted: str) -> dict[str, tuple[int, int]]:
    rows = db.execute(
        "SELECT area, count(DISTINCT sku), sum(found) FROM count_entry"
        " WHERE sheet = ? AND void = 0 GROUP BY area",
        (wanted,),
    )
    return {area: (skus, units) for area, skus, units in rows}


def asked(db: Connection) -> set[str]:
    """SKUs for which even a count that agrees is news: asked for, or not promised before it."""
    rows = db.execute(
        "SELECT sku FROM task WHERE kind = 'count' AND state = 'open'"
        " UNION SELECT sku FROM stock WHERE suppressed = 1"
    )
    return {row[0] for row in rows}


def _there(db: Connection) -> dict[str, int]:
    """What should lie on the shelves, of every SKU at once: `read.shelf` for a whole store."""
    there = dict(db.execute("SELECT sku, on_hand FROM stock").fetchall())
    for sku, loose in db.execute(
        "SELECT sku, sum(picked - released - put_back) FROM assignment_line"
        " WHERE picked > released + put_back GROUP BY sku"
    ):
        there[sku] = there.get(sku, 0) - loose
    return there


def unseen(db: Connection, at: Sheet) -> dict[str, int]:
    """SKUs of the scope that should be on the shelf and that nobody came across, with how many."""
    seen = {
        row[0]
        for row in db.execute("SELECT DISTINCT sku FROM count_entry WHERE sheet = ? AND void = 0", (at.id,))
    }
    place = dict(db.execute("SELECT sku, location FROM shelf").fetchall()) if at.scope else {}
    return {
        sku: there
        for sku, there in _there(db).items()
        if there and sku not in seen and place.get(sku, "").startswith(at.scope)
    }


@dataclass(frozen=True)
class Judged:
    sku: str
    difference: Difference
    by: tuple[str, ...]
    position: int
    looked_at: int


def verdicts(db: Connection, at: Sheet, nowhere: Mapping[str, int]) -> Iterator[Judged]:
    """What each SKU of a full count differs by. Those that were counted anew since are left out."""
    entries: dict[str, list[Row]] = {sku: [] for sku in nowhere}
    for row in db.execute(
        "SELECT * FROM count_entry WHERE sheet = ? AND void = 0 ORDER BY position, command", (at.id,)
    ):
        entries.setdefault(row["sku"], []).append(row)
    finished = {area.area: area.position for area in at.areas.values()}
    first = min([*finished.values(), *(row["position"] for rows in entries.values() for row in rows)])
    shifts, floor = shifts_since(db, first), int(read.meta(db, "facts_floor", "0"))
    doubted = {row[0] for row in db.execute("SELECT sku FROM count_doubt WHERE sheet = ?", (at.id,))}
    waiting = dict(
        db.execute("SELECT sku, position FROM variance WHERE state = 'open' AND sheet <> ?", (at.id,))
    )
    done = {row[0] for row in db.execute("SELECT sku FROM variance WHERE sheet = ?", (at.id,))}
    there = _there(db)
    for sku in sorted(entries.keys() - done):
        rows = entries[sku]
        looks = [Look(row["area"], row["found"], row["there"], row["position"]) for row in rows]
        doubt = sku in doubted or any(look.position < floor for look in looks)
        found = difference(looks, at.gate, finished, shifts.get(sku, ()), there.get(sku, 0), doubt=doubt)
        last = max((look.position for look in looks), default=max(finished.values()))
        if found is None or waiting.get(sku, -1) >= last:
            continue
        people = [row["person"] for row in rows] or [area.person for area in at.areas.values()]
        looked_at = max([row["at"] for row in rows if row["area"] == at.gate] or [at.areas[at.gate].at])
        yield Judged(sku, found, tuple(dict.fromkeys(people)), last, looked_at)


def shifts_since(db: Connection, position: int) -> dict[str, list[Shift]]:
    """What every later fact did to the shelf, per SKU."""
    found: dict[str, list[Shift]] = {}
    rows = db.execute(
        "SELECT number, kind, fence, raw FROM fact WHERE number > ?"
        f" AND kind IN ({', '.join('?' * len(MOVING))}) ORDER BY number",
        (position, *MOVING),
    )
    for row in rows:
        body = f.body_of(_decode(row["raw"]))
        if body is None:
            continue
        for sku, units, corrects in shifts_of(body, partial(_sku, db, row["fence"])):
            counted = row["kind"] == "counted"
            found.setdefault(sku, []).append(Shift(row["number"], units, corrects, counted))
        if isinstance(body, f.Counted) and body.found == body.expected:
            found.setdefault(body.sku, []).append(Shift(row["number"], 0, counted=True))
    return found


def _sku(db: Connection, fence: int, line: int) -> str:
    row = db.execute("SELECT sku FROM assignment_line WHERE fence = ? AND line = ?", (fence, line)).fetchone()
    return str(row[0]) if row else ""
