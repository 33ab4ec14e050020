"""Rules 4 and 5, and the other half of rule 3: nothing lost, the same bytes, and both sides agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.audit.arithmetic import COLUMNS
from server.audit.logs import Chain, StoreSide
from server.audit.reading import Reading
from server.audit.rights import named
from server.audit.verdict import Audit

_STORE = ", ".join(COLUMNS)
_NOTHING = (0,) * len(COLUMNS)


def nothing_lost(seen: Reading, found: Audit, *, settled: bool) -> None:
    for side in seen.changed:
        log = seen.fact_logs.get((side.code, side.incarnation), Chain())
        acked = int(side.meta("facts_acked", "0"))
        if acked > log.number:
            found.against(
                "nothing_lost",
                f"store {side.code} was told that {acked} facts are safe; the centre has {log.number}",
            )
        if settled and log.number != side.facts.number:
            found.against(
                "nothing_lost",
                f"store {side.code} has {side.facts.number} facts; {log.number} are at the centre",
            )
        mine = side.chains.get(log.number)
        if mine is not None and mine != log.chain:
            found.against("exactly_once", f"store {side.code}: fact {log.number} differs between both sides")
        for number in [number for number in side.chains if number < log.number]:
            del side.chains[number]
        if seen.first:
            _same_bytes(seen, found, side)


def _same_bytes(seen: Reading, found: Audit, side: StoreSide) -> None:
    ours = {
        number: bytes(raw)
        for number, raw in seen.centre.execute(
            "SELECT number, raw FROM fact WHERE store = ? AND incarnation = ?", (side.code, side.incarnation)
        )
    }
    for number, raw in side.db.execute("SELECT number, raw FROM fact ORDER BY number"):
        if number in ours and ours[number] != bytes(raw):
            found.against("exactly_once", f"store {side.code}: fact {number} has other bytes at the centre")


def as_told(
    seen: Reading, found: Audit, told: Mapping[str, Sequence[tuple[int, str]]], *, settled: bool
) -> None:
    for store, saved in told.items():
        side = seen.stores[store]
        here = dict(side.db.execute("SELECT number, command FROM fact").fetchall())
        there = dict(
            seen.centre.execute(
                "SELECT number, command FROM fact WHERE store = ? AND incarnation = ?",
                (store, side.incarnation or side.meta("incarnation")),
            ).fetchall()
        )
        for number, command in saved:
            if here.get(number, command) != command or (number not in here and number not in there):
                found.against(
                    "nothing_lost", f"store {store}: command {command} was told saved as fact {number}"
                )
            elif settled and there.get(number) != command:
                found.against(
                    "nothing_lost", f"store {store}: fact {number} of {command} never came to the centre"
                )


def agreement(seen: Reading, found: Audit) -> None:
    for side in seen.stores.values():
        _same_stock(seen, found, side)
        made = seen.decision_logs.get(side.code, Chain())
        taken = int(side.meta("decisions_number", "0"))
        if taken != made.number:
            found.against("agreement", f"store {side.code} applied {taken} of {made.number} decisions")
        elif side.meta("decisions_chain", made.chain) != made.chain:
            found.against("agreement", f"store {side.code}: its chain of decisions is not the centre's")
        _same_turns(seen, found, side)
        _same_streams(seen, found, side)


def _same_stock(seen: Reading, found: Audit, side: StoreSide) -> None:
    here = {
        row[0]: tuple(row[1:])
        for row in seen.centre.execute(f"SELECT sku, {_STORE} FROM stock WHERE store = ?", (side.code,))
    }
    there = {row[0]: tuple(row[1:]) for row in side.db.execute(f"SELECT sku, {_STORE} FROM stock")}
    for sku in sorted(here.keys() | there.keys()):
        ours, theirs = here.get(sku, _NOTHING), there.get(sku, _NOTHING)
        if ours != theirs:
            found.against(
                "agreement", f"{side.code} {sku}: the centre has {named(ours)}; the store has {named(theirs)}"
            )


def _same_turns(seen: Reading, found: Audit, side: StoreSide) -> None:
    """Both sides know the same open assignments, and whether the store owns them."""
    ours = {
        fence: ownership == "confirmed"
        for fence, ownership in seen.centre.execute(
            "SELECT fence, ownership FROM assignment WHERE store = ? AND ended_at = 0 AND released_at = 0",
            (side.code,),
        )
    }
    theirs = {
        fence: bool(confirmed)
        for fence, confirmed in side.db.execute(
            "SELECT fence, confirmed FROM assignment WHERE withdrawn = 0"
            " AND state IN ('offered', 'accepted', 'picking', 'picked', 'packed', 'staged')"
        )
    }
    words = {None: "not open", False: "open, not owned", True: "owned"}
    for fence in sorted(ours.keys() | theirs.keys()):
        if ours.get(fence) != theirs.get(fence):
            found.against(
                "agreement",
                f"assignment {fence} at {side.code}: the centre says {words[ours.get(fence)]},"
                f" the store {words[theirs.get(fence)]}",
            )


def _same_streams(seen: Reading, found: Audit, side: StoreSide) -> None:
    """Catalogue, people, policy and the rest have come to the store to the last row."""
    for stream, newest in seen.centre.execute("SELECT stream, MAX(seq) FROM stream_row GROUP BY stream"):
        _, _, owner = stream.partition(":")
        if owner in ("", side.code) and int(side.meta(f"stream_{stream}", "0")) != newest:
            found.against("agreement", f"store {side.code}: stream {stream} has not come to its end")
    (items,) = seen.centre.execute(
        "SELECT COUNT(*) FROM stream_row WHERE stream = 'catalogue' AND CAST(body AS TEXT) <> 'null'"
    ).fetchone()
    (here,) = side.db.execute("SELECT COUNT(*) FROM item").fetchone()
    if items != here:
        found.against("agreement", f"store {side.code} knows {here} items, the centre sent {items}")
