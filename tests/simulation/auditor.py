"""Judges a history by what people did and were told, and by its own arithmetic. Imports nothing of the
product: it reads raw facts and decisions as JSON and the tables by hand, so that a wrong sum there is not a
wrong sum here.

Cheap checks run after every commit, the full ones at rest. A store is *disturbed* once a disaster has struck
(a restored copy, a lost box, a restored centre): what no disk holds any more cannot be asked of anybody, so
from then on its running sums are judged only by what the centre has, and at rest both sides must agree all
the same.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

Fail = Callable[[str, str], None]
Vector = list[int]
"""on hand, share, debt, damaged, hold"""
Sums = dict[str, Vector]

RAISED = re.compile(r"^[A-Z]\w*(Error|Exception|Exit)\b")
ENDS_A_TURN = (
    "withdrawal_taken",
    "hold_expired",
    "put_back",
    "handed_over",
    "shipped",
    "shorted",
    "declined",
)
LATE_MS = 90_000
FLAGGED = ("released_stale", "released_twice", "forced_release", "released_cancelled", "unknown_fence")


def fact_moves(
    kind: str, body: dict[str, Any], sku_of: Callable[[int], str | None]
) -> Iterator[tuple[str, Vector]]:
    """What a fact says about goods and rights here, by the words of docs/wire."""
    sku, qty = str(body.get("sku", "")), int(body.get("qty", 0))
    of = body.get
    if kind in ("sold", "transfer_sent"):
        yield sku, [-qty, -of("share", 0), of("debt", 0), 0, 0]
    elif kind == "adjusted":
        bad = qty if body.get("to", "damaged") == "damaged" else 0
        yield sku, [-qty, -of("share", 0), of("debt", 0), bad, 0]
    elif kind == "received":
        yield sku, [qty, of("share", 0), -of("paid", 0), 0, 0]
    elif kind == "counted":
        more = int(body["found"]) - int(body["expected"])
        if more >= 0:
            yield sku, [more, of("share", 0), -of("paid", 0), 0, 0]
        else:
            yield sku, [more, -of("share", 0), of("debt", 0), 0, 0]
    elif kind in ("returned", "sale_returned"):
        yield sku, [0, 0, 0, 0, qty]
    elif kind == "graded":
        if body["disposition"] == "restock":
            yield sku, [qty, of("share", 0), -of("paid", 0), 0, -qty]
        else:
            bad = qty if body["disposition"] in ("damaged", "quarantine") else 0
            yield sku, [0, 0, 0, bad, -qty]
    elif kind == "gave":
        yield sku, [0, -qty, 0, 0, 0]
    elif kind == "credited":
        yield sku, [0, qty, qty, 0, 0]
    elif kind == "shorted":
        line, reason = sku_of(int(body["line"])) or sku, body["reason"]
        if line and reason in ("damaged", "sold_to_walk_in", "label_mismatch"):
            yield line, [-qty, 0, 0, qty if reason == "damaged" else 0, 0]
            if reason == "label_mismatch" and body.get("instead"):
                yield str(body["instead"]), [qty, 0, 0, 0, 0]
    elif kind in ("handed_over", "shipped", "handover_undone"):
        sign = 1 if kind == "handover_undone" else -1
        if not any(sku_of(number) for number, _ in body.get("lines", ())):
            for lost, units in body.get("goods", ()):
                yield lost, [sign * units, 0, 0, 0, 0]
            return
        for number, units in body.get("lines", ()):
            of_line = sku_of(number)
            if of_line:
                yield of_line, [sign * units, 0, 0, 0, 0]


def decision_moves(kind: str, b: dict[str, Any]) -> Iterator[tuple[str, Vector]]:
    if kind == "granted":
        yield str(b["sku"]), [0, int(b["qty"]), 0, 0, 0]
    elif kind == "debt_paid":
        yield str(b["sku"]), [0, 0, -int(b["qty"]), 0, 0]
    elif kind == "stock_loaded":
        for sku, qty, share in b["rows"]:
            yield sku, [qty, share, 0, 0, 0]


def add(sums: Sums, moves: Iterable[tuple[str, Vector]]) -> None:
    for sku, move in moves:
        row = sums.setdefault(sku, [0, 0, 0, 0, 0])
        for place, value in enumerate(move):
            row[place] += value


def nonzero(sums: Sums) -> Sums:
    return {sku: row for sku, row in sums.items() if any(row)}


class Auditor:
    def __init__(self, codes: tuple[str, ...], fail: Fail) -> None:
        self.codes = codes
        self.fail = fail
        self.disturbed: set[str] = set()
        self.disasters = 0
        self.saved: dict[str, dict[str, int]] = {code: {} for code in codes}
        """Per store: command whose person was told "saved", and how many facts it made."""
        self.lost = 0
        self.max_fence = 0
        self.looks = 0
        self._fence_sku: dict[int, dict[int, str]] = {}
        self._forget_centre()
        self._own: dict[str, Sums] = {code: {} for code in codes}
        self._own_head = dict.fromkeys(codes, 0)
        self._overrides: dict[str, dict[int, Sums]] = {code: {} for code in codes}
        """Releases by override in a store's record, by number, until it has heard the centre on them."""
        self._found: dict[tuple[str, int], int] = {}
        """The last decision to a store when the centre had taken such a release."""

    def _forget_centre(self) -> None:
        self._seen: tuple[sqlite3.Connection | None, int] = None, 0
        self._fact_row = 0
        self._decision_row = 0
        self._ended_at = 0
        self._books: dict[str, Sums] = {code: {} for code in self.codes}
        self._said: dict[str, list[tuple[int, Sums]]] = {code: [] for code in self.codes}
        self._heard: dict[str, tuple[int, Sums]] = {code: (0, {}) for code in self.codes}
        self._withdrawn: set[int] = set()
        self._last: dict[str, int] = dict.fromkeys(self.codes, 0)
        self.at_centre: dict[str, set[str]] = {code: set() for code in self.codes}
        self._applied: dict[tuple[str, str], Counter[bytes]] = defaultdict(Counter)

    # -- the centre, after each commit ----------------------------------------------------------

    def centre_wrote(self, db: sqlite3.Connection) -> None:
        if self._seen == (db, db.total_changes):
            return
        self._seen = db, db.total_changes
        self.looks += 1
        self._read_decisions(db)
        self._read_facts(db)
        self._stock_adds_up(db)
        self._turns(db)

    def centre_again(self, db: sqlite3.Connection) -> None:
        """Another process, perhaps another disk: everything is read anew."""
        self._forget_centre()
        self.centre_wrote(db)

    def _sku_at_centre(self, db: sqlite3.Connection, fence: int) -> Callable[[int], str | None]:
        if fence not in self._fence_sku:
            self._fence_sku[fence] = dict(
                db.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall()
            )
        return self._fence_sku[fence].get

    def _read_decisions(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT rowid, store, number, kind, fence, raw FROM decision WHERE rowid > ? ORDER BY rowid",
            (self._decision_row,),
        ).fetchall()
        first = not self._decision_row
        for rowid, store, number, kind, fence, raw in rows:
            self._decision_row = rowid
            self._last[store] = number
            if kind == "offered":
                if fence <= self.max_fence and not first:
                    self.fail("one release", f"fence {fence} was given again, after {self.max_fence}")
                self.max_fence = max(self.max_fence, fence)
            elif kind == "withdrawn":
                self._withdrawn.add(fence)
            elif kind == "confirmed" and fence in self._withdrawn:
                self.fail("one release", f"turn {fence} was confirmed after it had been withdrawn")
            if kind in ("granted", "debt_paid", "stock_loaded"):
                body = body_of(raw)
                sums: Sums = {}
                add(sums, decision_moves(kind, body))
                self._said[store].append((number, sums))
                if not str(body.get("document", "")).startswith("replay:"):
                    add(self._books[store], sums.items())

    def _read_facts(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT rowid, store, incarnation, number, kind, fence, command, verdict, note, raw"
            " FROM fact WHERE rowid > ? ORDER BY rowid",
            (self._fact_row,),
        ).fetchall()
        for rowid, store, _incarnation, number, kind, fence, command, verdict, note, raw in rows:
            self._fact_row = rowid
            self.at_centre[store].add(command)
            if b'"override_by"' in raw:
                self._found.setdefault((store, number), max(1, self._last[store]))
            if verdict == "parked":
                self._judge_parked(store, number, kind, note)
                continue
            if note == "beyond_rights" and store not in self.disturbed:
                self.fail("no oversell", f"{store} fact {number} {kind} went beyond rights: {raw!r}")
            if not command.startswith("auto:"):
                seen = self._applied[store, command]
                seen[raw_core(raw)] += 1
            add(self._books[store], fact_moves(kind, body_of(raw), self._sku_at_centre(db, fence)))

    def _judge_parked(self, store: str, number: int, kind: str, note: str) -> None:
        if note in ("other_bytes", "revoked"):
            return
        if note == "unknown_fence" and self.disasters:
            return
        if note == "not_released" and store in self.disturbed:
            return
        rule = "trouble" if RAISED.match(note) else "no blockage"
        self.fail(rule, f"{store} fact {number} {kind} is parked: {note}")

    def _stock_adds_up(self, db: sqlite3.Connection) -> None:
        for store, sku, on_hand, reserved, share, pool, debt, damaged, hold in db.execute(
            "SELECT store, sku, on_hand, reserved, share, pool, debt, damaged, hold FROM stock"
        ).fetchall():
            if on_hand + debt != reserved + share + pool or min(reserved, share, pool) < 0:
                self.fail("no oversell", f"{store} {sku}: {on_hand}+{debt} is not {reserved}+{share}+{pool}")
            told = self._books[store].get(sku, [0, 0, 0, 0, 0])
            if store in self.disturbed:
                right = (told[0], told[3], told[4]) == (on_hand, damaged, hold)
            else:
                right = told == [on_hand, share, debt, damaged, hold]
            if not right:
                is_now = [on_hand, share, debt, damaged, hold]
                self.fail(
                    "exactly once", f"centre, {store} {sku}: facts and decisions give {told}, is {is_now}"
                )

    def _turns(self, db: sqlite3.Connection) -> None:
        twice = db.execute(
            "SELECT fo FROM assignment WHERE ended_at = 0 GROUP BY fo HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if twice is not None:
            self.fail("one release", f"{twice[0]} is with two stores at once")
        since = self._ended_at
        for fence, store, offered_at, accept_by, confirmed_at, owner_until, ended_at, reason in db.execute(
            "SELECT fence, store, offered_at, accept_by, confirmed_at, owner_until, ended_at, ended_reason"
            " FROM assignment WHERE ended_at >= ? AND ended_at > 0",
            (since,),
        ).fetchall():
            self._ended_at = max(self._ended_at, ended_at)
            if reason == "lapsed" and (ended_at < accept_by or ended_at < offered_at + 30 * 60_000):
                self.fail("on time", f"offer {fence} to {store} lapsed before its time")
            if confirmed_at and ended_at < owner_until:
                marks = ", ".join("?" * len(ENDS_A_TURN))
                said = db.execute(
                    f"SELECT 1 FROM fact WHERE fence = ? AND store = ? AND kind IN ({marks}) LIMIT 1",
                    (fence, store, *ENDS_A_TURN),
                ).fetchone()
                if said is None:
                    self.fail("one release", f"turn {fence} was taken from {store}, which owns it ({reason})")
            if confirmed_at and store not in self.disturbed:
                loose = db.execute(
                    "SELECT line, picked - released - put_back - max(0, picked + short - qty), reserved"
                    " FROM assignment_line WHERE fence = ?",
                    (fence,),
                ).fetchall()
                # What was picked without the centre's knowledge is reserved again as far as the pool has it.
                told_after = db.execute(
                    "SELECT 1 FROM fact WHERE fence = ? AND kind = 'picked' AND received_at >= ? LIMIT 1",
                    (fence, ended_at),
                ).fetchone()
                for line, in_hand, reserved in loose if told_after is None else ():
                    if reserved < in_hand:
                        self.fail(
                            "no oversell", f"turn {fence} line {line}: {in_hand} in hand, {reserved} reserved"
                        )
        if self.looks % 4 == 0:
            self._reservations(db)

    def _reservations(self, db: sqlite3.Connection) -> None:
        for store, sku, reserved, held in db.execute(
            "SELECT s.store, s.sku, s.reserved, coalesce((SELECT sum(l.reserved) FROM assignment_line l"
            " JOIN assignment a ON a.fence = l.fence WHERE a.store = s.store AND l.sku = s.sku), 0)"
            " FROM stock s"
        ).fetchall():
            if reserved != held:
                self.fail("no oversell", f"{store} {sku}: {reserved} reserved, turns hold {held}")

    def on_time(self, db: sqlite3.Connection, now: int) -> None:
        rows = db.execute(
            "SELECT fence, store, accept_by, offered_at FROM assignment"
            " WHERE ended_at = 0 AND ownership = 'none' AND accept_by < ?",
            (now - LATE_MS,),
        ).fetchall()
        if rows and self.disasters:
            # Offered before the centre was put back: its store may have accepted in what was lost, so it is
            # asked first.
            restored = int(_meta(db, "restored_at"))
            silent = {row[0] for row in db.execute("SELECT store FROM unheard")}
            rows = [row for row in rows if row[3] >= restored or row[1] not in silent]
        for row in rows[:1]:
            self.fail(
                "on time", f"offer {row[0]} to {row[1]} stands {(now - row[2]) // 1000} s past its time"
            )

    # -- a store, after each commit ---------------------------------------------------------------

    def store_wrote(self, code: str, db: sqlite3.Connection, disturbed: bool) -> None:
        if disturbed:
            self._bounds(code, db)
            return
        head = self._own_head[code]
        rows = db.execute(
            "SELECT number, kind, fence, raw FROM fact WHERE number > ? ORDER BY number", (head,)
        ).fetchall()
        own = self._own[code]
        for number, kind, fence, raw in rows:
            if number != head + 1:
                self.fail("nothing lost", f"{code}: fact {number} follows {head}")
            head = number
            lines, body = _lines(db, fence), body_of(raw)
            add(own, fact_moves(kind, body, lines.get))
            if body.get("override_by"):
                gone: Sums = {}
                add(gone, fact_moves(kind, body, lines.get))
                self._overrides[code][number] = gone
        self._own_head[code] = head
        cursor = int(_meta(db, "decisions_number"))
        upto, heard = self._heard[code]
        if cursor > upto:
            for number, sums in self._said[code]:
                if upto < number <= cursor:
                    add(heard, sums.items())
            self._heard[code] = (cursor, heard)
        self._bounds(code, db)
        for sku, *row in db.execute("SELECT sku, on_hand, share, debt, damaged, hold FROM stock").fetchall():
            mine, theirs = own.get(sku, _ZERO), heard.get(sku, _ZERO)
            told = [a + b for a, b in zip(mine, theirs, strict=True)]
            if told != row:
                self.fail("exactly once", f"{code} {sku}: facts and decisions give {told}, is {row}")
        # Goods that a supervisor let go against the rules are owed from then on; the store's own books say so
        # once it has heard what the centre found when the fact came.
        overrides = self._overrides[code]
        for number in [one for one in overrides if 0 < self._found.get((code, one), 0) <= cursor]:
            del overrides[number]
        forced: Counter[str] = Counter()
        for gone in overrides.values():
            forced.update({sku: -row[0] for sku, row in gone.items()})
        for sku, promised, share, on_hand, debt in db.execute(
            "SELECT s.sku, coalesce(sum(l.qty - l.short - l.released - l.put_back), 0), s.share, s.on_hand,"
            " s.debt FROM stock s JOIN assignment_line l ON l.sku = s.sku AND l.open = 1 GROUP BY s.sku"
        ).fetchall():
            if promised + share > on_hand + max(debt, 0) + forced[sku]:
                self.fail(
                    "no oversell",
                    f"{code} {sku}: {promised} promised, {share} its own, {on_hand} on hand, {debt} owed",
                )

    def _bounds(self, code: str, db: sqlite3.Connection) -> None:
        row = db.execute("SELECT sku, share, debt FROM stock WHERE share < 0 OR debt < 0 LIMIT 1").fetchone()
        if row is not None:
            self.fail("no oversell", f"{code} {row[0]}: share {row[1]}, debt {row[2]}")
        row = db.execute(
            "SELECT fence, line FROM assignment_line WHERE released > picked OR picked + short > qty + short"
            " OR released + put_back > picked OR min(picked, short, released, put_back) < 0 LIMIT 1"
        ).fetchone()
        if row is not None:
            self.fail(
                "one release", f"{code}: turn {row[0]} line {row[1]} released or picked more than it has"
            )

    def store_again(self, code: str, db: sqlite3.Connection, disturbed: bool) -> None:
        """A new process over the same disk: what people were told is saved has to be there."""
        if disturbed:
            return
        head = db.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
        if head < self._own_head[code] and int(_meta(db, "facts_floor")) < self._own_head[code]:
            self.fail("nothing lost", f"{code} comes back with {head} facts, it had {self._own_head[code]}")

    def told(
        self,
        code: str,
        db: sqlite3.Connection,
        command: str,
        moves: dict[tuple[str, str], int] | None,
        name: str,
    ) -> None:
        """A person was told that this is saved. It has to be there, once, and as they did it."""
        rows = db.execute("SELECT kind, fence, raw FROM fact WHERE command = ?", (command,)).fetchall()
        if not rows:
            if moves and command not in self.at_centre[code]:
                self.fail("nothing lost", f"{code}: {name} {command} was told as saved and made no fact")
            return
        self.saved[code][command] = len(rows)
        if moves is None:
            return
        found: Counter[tuple[str, str]] = Counter()
        for kind, fence, raw in rows:
            for sku, move in fact_moves(kind, body_of(raw), _lines(db, fence).get):
                found["good", sku] += move[0]
                found["damaged", sku] += move[3]
                found["hold", sku] += move[4]
        if {key: n for key, n in found.items() if n} != {key: n for key, n in moves.items() if n}:
            self.fail("exactly once", f"{code}: {name} moved {moves}, its facts say {dict(found)}")

    # -- disasters ---------------------------------------------------------------------------------

    def disaster(
        self, struck: Iterable[str], stores: dict[str, sqlite3.Connection], centre: sqlite3.Connection
    ) -> set[str]:
        """A disk was put back or lost. What no disk holds any more is lost by that, not by the product.
        Returns the commands whose facts are somewhere."""
        self.disasters += 1
        self.disturbed.update(struck)
        known: set[str] = set()
        for code in self.codes:
            held = {row[0] for row in stores[code].execute("SELECT command FROM fact")}
            held |= {row[0] for row in centre.execute("SELECT command FROM fact WHERE store = ?", (code,))}
            gone = [command for command in self.saved[code] if command not in held]
            self.lost += len(gone)
            for command in gone:
                del self.saved[code][command]
            known |= held
        return known

    # -- at rest ------------------------------------------------------------------------------------

    def at_rest(self, centre: sqlite3.Connection, stores: dict[str, sqlite3.Connection]) -> None:
        self._forget_centre()
        self.centre_wrote(centre)
        self._reservations(centre)
        for code, db in stores.items():
            self._agree(code, centre, db)
            missing = [command for command in self.saved[code] if command not in self.at_centre[code]]
            if missing:
                self.fail("nothing lost", f"{code}: {missing[:5]} never reached the centre")
        for (store, command), seen in self._applied.items():
            again = [raw for raw, times in seen.items() if times > 1]
            if again:
                self.fail("exactly once", f"{store}: {command} was applied twice: {again[0]!r}")
        # An offer is broken whole, other SKUs and all, but never more offers than units were owed there.
        for store, broken, owed in centre.execute(
            "SELECT a.store, count(*), (SELECT coalesce(sum(g.debt), 0) FROM stock_ledger g"
            " WHERE g.store = a.store AND g.debt > 0) FROM assignment a WHERE a.ended_reason = 'debt'"
            " GROUP BY a.store"
        ).fetchall():
            if broken > owed:
                self.fail("no oversell", f"{store}: {broken} offers broken for {owed} units owed")
        nobody = centre.execute(
            "SELECT s.store, s.sku FROM stock s WHERE s.debt > 0 AND NOT EXISTS (SELECT 1 FROM open_case c"
            " WHERE c.kind = 'debt' AND c.state = 'open' AND c.store = s.store AND c.sku = s.sku) LIMIT 1"
        ).fetchone()
        if nobody is not None and not self.disasters:
            self.fail("no oversell", f"nobody knows of the debt at {nobody[0]} {nobody[1]}")
        for kind, store in centre.execute(
            "SELECT kind, store FROM open_case WHERE kind IN ('digest', 'held_lane')"
        ).fetchall():
            self.fail("agreement", f"{store}: a case '{kind}' was opened")

    def _agree(self, code: str, centre: sqlite3.Connection, db: sqlite3.Connection) -> None:
        columns = "sku, on_hand, share, debt, damaged, hold"
        ours = {
            row[0]: tuple(row)[1:]
            for row in centre.execute(f"SELECT {columns} FROM stock WHERE store = ?", (code,))
        }
        theirs = {row[0]: tuple(row)[1:] for row in db.execute(f"SELECT {columns} FROM stock")}
        for sku in sorted({*ours, *theirs}):
            if ours.get(sku, (0,) * 5) != theirs.get(sku, (0,) * 5):
                self.fail("agreement", f"{code} {sku}: centre {ours.get(sku)}, store {theirs.get(sku)}")
        work = (
            "SELECT a.fence, l.line, l.picked, l.short, l.released, l.put_back FROM assignment a"
            " JOIN assignment_line l ON l.fence = a.fence WHERE a.ownership = 'confirmed'"
        )
        live = {
            tuple(row)
            for row in centre.execute(
                f"{work} AND a.store = ? AND a.ended_at = 0 AND a.withdraw_requested_at = 0", (code,)
            )
        }
        held = {
            tuple(row)
            for row in db.execute(
                f"{work} AND a.state IN ('accepted', 'picking', 'picked', 'packed', 'staged')"
            )
        }
        closed = {tuple(row) for row in db.execute(f"{work} AND a.withdrawn = 0 AND a.ended_at = 0")}
        if not live <= closed:
            self.fail("agreement", f"{code}: the centre has it own {sorted(live - closed)[:3]}, it does not")
        if not held <= live:
            self.fail("agreement", f"{code} works on {sorted(held - live)[:3]}, which it does not own")
        offers = {
            row[0]
            for row in centre.execute(
                "SELECT fence FROM assignment WHERE store = ? AND ended_at = 0 AND ownership = 'none'",
                (code,),
            )
        }
        open_here = {row[0] for row in db.execute("SELECT fence FROM assignment WHERE state = 'offered'")}
        if offers != open_here:
            self.fail("agreement", f"{code}: offers at the centre {sorted(offers)}, here {sorted(open_here)}")

    def orders(
        self,
        centre: sqlite3.Connection,
        got: dict[str, tuple[dict[str, int], dict[str, int], dict[str, int]]],
    ) -> None:
        """`got`: by order, units wanted, units that left for the shopper, and those of them by override."""
        cases = {
            row[0]
            for row in centre.execute(
                f"SELECT order_no FROM open_case WHERE kind IN ({', '.join('?' * len(FLAGGED))})", FLAGGED
            )
        }
        states = dict(centre.execute("SELECT no, state FROM shop_order").fetchall())
        told: dict[tuple[str, str], int] = {}
        for no, sku, units in centre.execute(
            "SELECT f.order_no, l.sku, sum(l.released) FROM fulfilment_order f"
            " JOIN assignment a ON a.fo = f.fo JOIN assignment_line l ON l.fence = a.fence"
            " GROUP BY f.order_no, l.sku"
        ).fetchall():
            told[no, sku] = units
        for no, (want, left, forced) in got.items():
            gone = sum(left.values())
            if any(left[sku] > want.get(sku, 0) for sku in left) and no not in cases:
                self.fail("one release", f"{no}: {left} left for {want} wanted, and nobody is told")
            if states.get(no) == "cancelled" and gone and no not in cases and not self.disasters:
                self.fail("one release", f"{no} was cancelled and {left} left, and nobody is told")
            if forced and sum(forced.values()) and no not in cases and no in states and not self.disasters:
                self.fail("one release", f"{no}: {forced} left by an override, and no case is open")
            if not self.disasters:
                for sku in want:
                    if told.get((no, sku), 0) != left.get(sku, 0):
                        self.fail(
                            "exactly once",
                            f"{no} {sku}: {left.get(sku, 0)} left, told {told.get((no, sku), 0)}",
                        )


_ZERO: Vector = [0, 0, 0, 0, 0]


@lru_cache(maxsize=512)
def _read(raw: bytes) -> dict[str, Any]:
    """The same bytes are looked at when a person is told, at the store, and at the centre."""
    said: dict[str, Any] = msgspec.json.decode(raw)
    return said


def body_of(raw: bytes) -> dict[str, object]:
    body: dict[str, object] = _read(raw).get("b", {})
    return body


def raw_core(raw: bytes) -> bytes:
    """A fact without what differs between two tellings of the same deed."""
    fact = _read(raw)
    return msgspec.json.encode([fact["k"], fact.get("f", 0), _stable(fact.get("b", {}))])


def _stable(body: dict[str, object]) -> list[tuple[str, str]]:
    return sorted((key, str(value)) for key, value in body.items() if key in ("sku", "line", "sale", "lines"))


def _lines(db: sqlite3.Connection, fence: int) -> dict[int, str]:
    if not fence:
        return {}
    return dict(db.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall())


def _meta(db: sqlite3.Connection, key: str) -> str:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else "0"
