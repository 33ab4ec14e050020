"""A centre with stores and stock for the tests of orders, and short ways to say what stores report.

Real SQLite, the real book, the real decision log. Facts go in through `apply_fact`, as the link
gives them, and every one leaves a row in table fact, so that cases can name their evidence.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from server.db import Tx
from server.facts.apply import apply_fact
from server.facts.verdict import Verdict
from server.offers.sweep import sweep
from server.orders.cancel import cancel
from server.orders.new import Cancelled, NewLine, NewOrder, Placed
from server.orders.place import place
from server.schema import fresh
from server.stock import book
from server.stock.cause import Cause
from sync.rules.stock import Move
from sync.wire import facts as f
from sync.wire.decisions import Decision, body_of

NINE = 1_800_000_000_000
MINUTE = 60_000
HOUR = 3_600_000
SHOPPER = {"lat": 31.0, "lon": 121.0, "name": "Li Wang", "phone": "13800001234"}


class Centre:
    """One centre in memory. `tx` is always inside a transaction of its own."""

    def __init__(self, stores: int = 3, *, seed: int = 7) -> None:
        self.tx: Tx = fresh()
        self.now = NINE
        self.rng = random.Random(seed)
        self._numbers: dict[str, itertools.count[int]] = {}
        self._orders = itertools.count(1)
        self.tx.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R1', 'North', '北')")
        for n in range(1, stores + 1):
            self.store(f"S{n:03d}", lat=31.0 + n * 0.1, lon=121.0)

    def store(self, code: str, *, lat: float = 31.0, lon: float = 121.0, **columns: Any) -> None:
        values = {
            "code": code, "name_en": code.lower(), "name_zh": code, "region": "R1", "lat": lat, "lon": lon,
            **columns,
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.tx.execute(f"INSERT INTO store ({names}) VALUES ({marks})", tuple(values.values()))

    def stock(self, store: str, sku: str, qty: int, share: int = 0) -> None:
        self.tx.execute(
            "INSERT INTO item (sku, name_en, name_zh) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (sku, sku, sku),
        )
        book.apply_moves(self.tx, store, [Move(sku, on_hand=qty, share=share)], Cause("test", self.now))

    # -- what happens -------------------------------------------------------------------------

    def order(self, *lines: tuple[str, int], kind: str = "shipment", **more: Any) -> Placed:
        new = NewOrder(
            channel=more.pop("channel", "web"),
            external_id=more.pop("external_id", f"X{next(self._orders)}"),
            kind=kind,
            lines=tuple(NewLine(sku, qty, 100) for sku, qty in lines or (("A", 1),)),
            **cast(dict[str, Any], SHOPPER | more),
        )
        return place(self.tx, new, now=self.now, dice=self.rng.randbytes)

    def cancel(self, order_no: str) -> Cancelled:
        return cancel(self.tx, order_no, now=self.now)

    def fact(self, store: str, body: f.Body, *, fence: int = 0, at: int = 0, person: str = "lin") -> Verdict:
        number = next(self._numbers.setdefault(store, itertools.count(1)))
        fact = f.Fact(
            kind=f.NAMES[type(body)], command=f"c{store}{number}", person=person, device="pda1",
            at=at or self.now, fence=fence, body=msgspec.Raw(msgspec.json.encode(body)),
        )  # fmt: skip
        verdict = apply_fact(self.tx, store, "I1", number, fact, now=self.now)
        self.tx.execute(
            "INSERT INTO fact (store, incarnation, number, kind, fence, received_at, verdict, note, chain,"
            " raw) VALUES (?, 'I1', ?, ?, ?, ?, ?, ?, '', ?)",
            (
                store,
                number,
                fact.kind,
                fence,
                self.now,
                verdict.name,
                verdict.note,
                msgspec.json.encode(fact),
            ),
        )
        return verdict

    def work(self, store: str, fence: int, upto: str = "staged", *, at: int = 0) -> list[Verdict]:
        """Accept, pick all, pack, stage, as far as `upto`."""
        lines = self.rows("SELECT line, qty FROM assignment_line WHERE fence = ?", fence)
        parcel = f.Parcel(f"P{fence}", tuple((line, qty) for line, qty in lines))
        steps: list[tuple[str, Iterable[f.Body]]] = [
            ("accepted", [f.Accepted()]),
            ("picked", [f.PickStarted("W1", "A"), *(f.Picked(line, qty) for line, qty in lines)]),
            ("packed", [f.Packed((parcel,))]),
            ("staged", [f.Staged("K1")]),
        ]
        verdicts = []
        for name, bodies in steps:
            verdicts += [self.fact(store, body, fence=fence, at=at) for body in bodies]
            if name == upto:
                break
        return verdicts

    def everything(self, fence: int) -> tuple[tuple[int, int], ...]:
        lines = self.rows("SELECT line, qty FROM assignment_line WHERE fence = ?", fence)
        return tuple((line, qty) for line, qty in lines)

    def later(self, ms: int) -> int:
        """Time passes, then the timers run."""
        self.now += ms
        return sweep(self.tx, self.now)

    # -- what is so ---------------------------------------------------------------------------

    def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.tx.execute(sql, args).fetchall()]

    def one(self, sql: str, *args: Any) -> Any:
        row = self.tx.execute(sql, args).fetchone()
        return None if row is None else row[0]

    def fo(self, fo: str) -> tuple[Any, ...]:
        """(state, store, fence)"""
        return self.rows("SELECT state, store, fence FROM fulfilment_order WHERE fo = ?", fo)[0]

    def order_state(self, order_no: str) -> str:
        return str(self.one("SELECT state FROM shop_order WHERE no = ?", order_no))

    def pool(self, store: str, sku: str = "A") -> tuple[Any, ...]:
        """(on hand, reserved, pool)"""
        return self.rows("SELECT on_hand, reserved, pool FROM stock WHERE store = ? AND sku = ?", store, sku)[
            0
        ]

    def told(self, store: str, kind: str = "") -> list[Any]:
        """Bodies of the decisions made for a store, in order."""
        found = []
        for (raw,) in self.rows("SELECT raw FROM decision WHERE store = ? ORDER BY number", store):
            decision = msgspec.json.decode(raw, type=Decision)
            if not kind or decision.kind == kind:
                found.append(body_of(decision))
        return found

    def cases(self, state: str = "open") -> list[str]:
        return [row[0] for row in self.rows("SELECT kind FROM open_case WHERE state = ? ORDER BY id", state)]

    def evidence(self, kind: str) -> list[tuple[str, str]]:
        text = self.one("SELECT evidence FROM open_case WHERE kind = ?", kind)
        return [(one["store"], one["kind"]) for one in json.loads(text)]

    def events(self, order_no: str) -> list[str]:
        rows = self.rows("SELECT kind FROM event WHERE order_no = ? ORDER BY id", order_no)
        return [row[0] for row in rows]


def problems(tx: Tx) -> list[str]:
    """What the rules of the design forbid, found by plain SQL over the centre alone."""
    found = []
    for store, sku, reserved, held in tx.execute(
        "SELECT s.store, s.sku, s.reserved, coalesce((SELECT sum(l.reserved) FROM assignment_line l"
        " JOIN assignment a ON a.fence = l.fence WHERE a.store = s.store AND l.sku = s.sku), 0) FROM stock s"
    ):
        if reserved != held:
            found.append(f"{store} {sku}: reserved {reserved}, assignments hold {held}")
    for row in tx.execute(
        "SELECT store, sku FROM stock WHERE on_hand + debt <> reserved + share + pool"
        " OR min(reserved, share, pool) < 0"
    ):
        found.append(f"{tuple(row)}: rights do not add up")
    for row in tx.execute(
        "SELECT a.fence, l.line, l.reserved FROM assignment a JOIN assignment_line l ON l.fence = a.fence"
        " WHERE a.ended_at = 0 AND a.released_at = 0 AND l.qty - l.short - l.released > l.reserved"
    ):
        found.append(f"{tuple(row)}: promises more than it holds")
    for row in tx.execute(
        "SELECT a.fence, l.line, l.reserved FROM assignment a JOIN assignment_line l ON l.fence = a.fence"
        " WHERE a.confirmed_at > 0 AND a.released_at = 0"
        " AND l.reserved < l.picked - max(0, min(l.short, l.picked + l.short - l.qty)) - l.put_back"
    ):
        found.append(f"{tuple(row)}: units in a tote are free to be promised")
    for row in tx.execute("SELECT fence, line FROM assignment_line WHERE reserved < 0 OR released < 0"):
        found.append(f"{tuple(row)}: below zero")
    for row in tx.execute(
        "SELECT fo, line, qty, released, cancelled FROM fulfilment_line"
        " WHERE released + cancelled > qty OR released < 0 OR cancelled < 0"
    ):
        found.append(f"{tuple(row)}: more than was wanted")
    for row in tx.execute(
        "SELECT f.fo, f.state, f.fence FROM fulfilment_order f WHERE f.state IN ('offered', 'owned')"
        " AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.fence = f.fence AND a.fo = f.fo"
        " AND a.store = f.store AND a.ended_at = 0 AND (f.state = 'owned') = (a.ownership = 'confirmed'))"
    ):
        found.append(f"{tuple(row)}: the assignment says otherwise")
    for row in tx.execute(
        "SELECT fo, state FROM fulfilment_order f WHERE state IN ('waiting', 'person') AND NOT EXISTS"
        " (SELECT 1 FROM open_case c WHERE c.fo = f.fo AND c.state = 'open')"
    ):
        found.append(f"{tuple(row)}: forgotten, no case is open")
    for row in tx.execute(
        "SELECT fo FROM fulfilment_order f WHERE state IN ('waiting', 'person', 'offered', 'owned')"
        " AND NOT EXISTS (SELECT 1 FROM fulfilment_line l"
        " WHERE l.fo = f.fo AND l.qty > l.released + l.cancelled)"
    ):
        found.append(f"{row[0]}: open with nothing to bring")
    for row in tx.execute(
        "SELECT a.fence FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo WHERE a.ended_at = 0"
        " AND a.withdraw_requested_at = 0 AND (f.fence <> a.fence OR f.state NOT IN ('offered', 'owned'))"
    ):
        found.append(f"assignment {row[0]} is open and not current")
    for row in tx.execute(
        "SELECT no, o.state FROM shop_order o WHERE (o.state IN ('done', 'cancelled')) ="
        " EXISTS (SELECT 1 FROM fulfilment_order f WHERE f.order_no = o.no"
        " AND f.state NOT IN ('released', 'cancelled'))"
    ):
        found.append(f"{tuple(row)}: order and parts disagree")
    return found
