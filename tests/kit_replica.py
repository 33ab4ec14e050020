"""A store's replica for tests: real SQLite, seeded dice, a clock that tests turn by hand."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from sync import sqlite
from sync.ids import new_id
from sync.replica import decisions
from sync.replica.commands import Outcome, perform
from sync.replica.context import Context, Moment
from sync.replica.open import open_replica
from sync.rules.refusals import Why
from sync.rules.secrets import hash_code, hash_pin
from sync.wire import decisions as d
from sync.wire import facts as f

NINE = 1_763_802_000_000
"""2025-11-22 09:00 UTC."""
MINUTE = 60_000
HOUR = 60 * MINUTE
PIN = {"lin": "246810", "wei": "135790", "amy": "112233"}
_HASHES: dict[str, str] = {}


class Shop:
    """Store S001 with three people, four SKUs and a line that is up."""

    def __init__(self, path: Path | str = ":memory:", seed: int = 7) -> None:
        self.rng = random.Random(seed)
        self.now = NINE
        self.doubt = 0
        self.line_up = True
        self.fence = 0
        self.number = 0
        self.commands = 0
        self.db = open_replica(path, "S001", self.rng.randbytes, self.now)
        self.sent: list[tuple[int, d.Decision]] = []
        with sqlite.writing(self.db):
            self.rows(
                "stores", [("S001", _place("Bund", "外滩店")), ("S002", _place("Xujiahui", "徐家汇店"))]
            )
            self.rows(
                "people",
                [
                    ("lin", _person("Lin", "associate", "lin")),
                    ("wei", _person("Wei", "associate", "wei")),
                    ("amy", _person("Amy", "store_lead", "amy")),
                ],
            )
            self.rows(
                "catalogue",
                [
                    ("TEE-M", _item("T-shirt M", "T恤 M", ["6901234567892"])),
                    ("JEANS", _item("Jeans", "牛仔裤", ["036000291452"])),
                    ("WATCH", _item("Watch", "手表", ["96385074"], serialised=True)),
                    ("SOCKS", _item("Socks", "袜子", [])),
                ],
            )
            self.rows("shelves", [("TEE-M", {"location": "A-1-3"}), ("JEANS", {"location": "A-2-1"})])

    def rows(self, stream: str, rows: Sequence[tuple[str, dict[str, Any] | None]]) -> None:
        decisions.apply_rows(self.db, stream, [{"key": key, "body": body} for key, body in rows])

    def moment(self) -> Moment:
        return Moment(self.now - self.doubt, self.now, self.now + self.doubt)

    def context(self, person: str = "lin", role: str = "", command: str = "") -> Context:
        self.commands += 1
        return Context(
            moment=self.moment(),
            person=person,
            role=role or {"amy": "store_lead", "node": "node", "till": "till"}.get(person, "associate"),
            device="pda-1",
            command=command or f"c{self.commands}",
            line_up=self.line_up,
            new_id=lambda: new_id(self.now, self.rng.randbytes),
        )

    def do(self, name: str, person: str = "lin", command: str = "", **args: Any) -> Outcome:
        ctx = self.context(person, command=command)
        with sqlite.writing(self.db):
            return perform(self.db, name, args, ctx)

    def ok(self, name: str, person: str = "lin", **args: Any) -> dict[str, Any]:
        outcome = self.do(name, person, **args)
        assert outcome.ok, outcome.refusal
        return outcome.result

    def refused(self, why: Why, name: str, person: str = "lin", **args: Any) -> dict[str, Any]:
        before = self.count("SELECT count(*) FROM fact")
        outcome = self.do(name, person, **args)
        assert not outcome.ok, outcome.result
        assert outcome.refusal is not None
        assert outcome.refusal.reason == why, outcome.refusal
        assert self.count("SELECT count(*) FROM fact") == before
        return outcome.refusal.facts

    def decide(self, body: d.Body, fence: int = 0) -> set[str]:
        self.number += 1
        decision = d.Decision(
            kind=d.NAMES[type(body)], at=self.now, fence=fence, body=msgspec.Raw(msgspec.json.encode(body))
        )
        self.sent.append((self.number, decision))
        with sqlite.writing(self.db):
            hints = decisions.apply_decision(
                self.db, self.number, decision, self.context("node", command=f"auto:{self.number}")
            )
            self.db.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('decisions_number', ?)", (str(self.number),)
            )
        return hints

    def stock(self, **rows: tuple[int, int]) -> None:
        """(on hand, share) by SKU; `TEE_M` stands for TEE-M."""
        self.decide(
            d.StockLoaded(
                f"doc{self.number}",
                tuple((sku.replace("_", "-"), qty, share) for sku, (qty, share) in rows.items()),
            )
        )

    def offer(
        self,
        lines: Sequence[tuple[str, int]] = (("TEE-M", 1),),
        kind: str = "pickup",
        code: str = "428913",
        order: str = "",
        substitution: str = "",
    ) -> int:
        self.fence += 1
        order = order or f"YP-{self.fence:06d}"
        self.decide(
            d.Offered(
                fo=f"{order}-1",
                order=order,
                kind=kind,
                accept_by=self.now + 30 * MINUTE,
                lines=tuple(d.OfferLine(i, sku, qty, i) for i, (sku, qty) in enumerate(lines, 1)),
                channel="web",
                shopper="L. Wang",
                phone_tail="4821",
                code_salt="salt" if code else "",
                code_hash=hash_code(code, "salt") if code else "",
                substitution=substitution,
            ),
            self.fence,
        )
        return self.fence

    def confirm(self, fence: int, hours: int = 48) -> None:
        self.decide(d.Confirmed(owner_until=self.now + hours * HOUR), fence)

    def owned(self, lines: Sequence[tuple[str, int]] = (("TEE-M", 1),), **more: Any) -> int:
        fence = self.offer(lines, **more)
        self.ok("accept", fence=fence)
        self.confirm(fence)
        return fence

    def picked(self, lines: Sequence[tuple[str, int]] = (("TEE-M", 1),), **more: Any) -> int:
        fence = self.owned(lines, **more)
        for number, (_sku, qty) in enumerate(lines, 1):
            self.ok("pick", fence=fence, line=number, qty=qty)
        return fence

    def staged(self, lines: Sequence[tuple[str, int]] = (("TEE-M", 1),), **more: Any) -> int:
        fence = self.picked(lines, **more)
        self.ok("pack", fence=fence)
        self.ok("stage", fence=fence, location="W-1")
        return fence

    # -- looking

    def count(self, sql: str, *params: Any) -> int:
        return int(self.db.execute(sql, params).fetchone()[0])

    def row(self, fence: int) -> sqlite3.Row:
        row: sqlite3.Row = self.db.execute("SELECT * FROM assignment WHERE fence = ?", (fence,)).fetchone()
        return row

    def state(self, fence: int) -> tuple[str, str]:
        row = self.row(fence)
        return row["state"], row["ownership"]

    def units(self, sku: str) -> dict[str, int]:
        row = self.db.execute("SELECT * FROM stock WHERE sku = ?", (sku,)).fetchone()
        return {key: row[key] for key in row.keys() if key != "sku"}  # noqa: SIM118 - a Row, not a dict

    def facts(self, kind: str = "") -> list[tuple[f.Fact, f.Body | None]]:
        rows = self.db.execute("SELECT raw FROM fact ORDER BY number").fetchall()
        found = [msgspec.json.decode(row[0], type=f.Fact) for row in rows]
        return [(fact, f.body_of(fact)) for fact in found if kind in ("", fact.kind)]

    def last(self) -> tuple[f.Fact, f.Body | None]:
        return self.facts()[-1]


def _place(en: str, zh: str) -> dict[str, Any]:
    return {"name_en": en, "name_zh": zh, "region": "EAST", "timezone": "Asia/Shanghai"}


def _person(name: str, role: str, person: str) -> dict[str, Any]:
    if person not in _HASHES:
        _HASHES[person] = hash_pin(PIN[person], person.ljust(16).encode())
    return {"name": name, "role": role, "pin_hash": _HASHES[person], "language": "en", "active": True}


def _item(en: str, zh: str, gtins: list[str], serialised: bool = False) -> dict[str, Any]:
    return {"name_en": en, "name_zh": zh, "gtins": gtins, "price_fen": 9900, "serialised": serialised}


def visible(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that staff and rules go by; without times of change, notices and personal data."""
    tables = {
        "assignment": "fence, fo, order_no, kind, accept_by, confirmed, owner_until, withdrawn,"
        " withdrawn_reason, CASE WHEN state IN ('put_back', 'closed') THEN '' ELSE progress END, state,"
        " ownership, accepted_at, accepted_by, wave, tote, picker, location,"
        " released_at, released_by, collector, expired, ended_at > 0",
        "assignment_line": "fence, line, sku, qty, picked, short, released, put_back, open",
        "stock": "sku, on_hand, share, debt, damaged, hold, suppressed",
        "parcel": "code, fence, lines",
        "goods_return": "id, order_no, line, sku, qty, graded, sale, grade, disposition",
        "returnable": "order_no, line, sku, qty",
        "transfer": "code, direction, other, sku, qty, received",
        "task": "id, kind, sku, state, reason, not_by",
        "till_sale": "id, sale, sku, qty",
        "serial": "sku, serial, fence, line",
    }
    found = {
        name: sorted(tuple(row) for row in db.execute(f"SELECT {columns} FROM {name}"))
        for name, columns in tables.items()
    }
    found["stock"] = [row for row in found["stock"] if any(row[1:])]
    return found
