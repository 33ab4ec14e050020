"""A centre and one store, written by plain SQL, as they look when everything is right.

The auditor shares no code with the product, so its tests do not let the product
write the databases either: what a test plants is exactly what it says.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from migrations.replica.step_0001 import SQL
from server.audit import Audit, audit
from server.schema import fresh

NOON = 1_700_000_000_000
EMPTY = "0" * 16


def chain(before: str, raw: bytes) -> str:
    return hashlib.blake2b(before.encode() + raw, digest_size=8).hexdigest()


class Scene:
    """Ten of A in S001 (share 5, pool 5), one order of one A that the store owns, one A sold at the till."""

    def __init__(self, folder: Path) -> None:
        self.centre: sqlite3.Connection = fresh(folder / "centre.db")
        self.store = sqlite3.connect(folder / "S001.db", isolation_level=None)
        self.store.executescript(SQL)
        for db in (self.centre, self.store):
            db.execute("PRAGMA synchronous = OFF")  # nothing here outlives the test
        self.folder = folder
        self._facts = (0, EMPTY)
        self._decisions = (0, EMPTY)
        self.centre.execute("PRAGMA foreign_keys = OFF")
        self.centre.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R', 'R', 'R')")
        for store in ("S001", "S002"):
            self.insert(
                "store",
                code=store,
                name_en="",
                name_zh="",
                region="R",
                kind="store",
                lat=0,
                lon=0,
                timezone="UTC",
                opening_hours="{}",
                capacity_per_day=0,
                rank=1,
                paused=0,
                pause_reason="",
                can_pickup=1,
                can_ship=1,
                can_same_day=1,
                token_hash="",
                active=1,
            )
        self.insert(
            "replica",
            store="S001",
            incarnation="I1",
            state="live",
            host="",
            opened_at=NOON,
            applied=0,
            chain=EMPTY,
            backed_up=0,
            taken=0,
            note="",
        )
        for key, value in (
            ("store", "S001"),
            ("incarnation", "I1"),
            ("facts_acked", "0"),
            ("decisions_number", "0"),
            ("decisions_chain", EMPTY),
        ):
            self.store.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
        self.decide("stock_loaded", {"document": "open", "rows": [["A", 10, 5]]})
        self.move("stock_loaded", on_hand=10, share=5, pool=5)
        self.store.execute("INSERT INTO stock (sku, on_hand, share) VALUES ('A', 10, 5)")
        self.order("YP-1", fence=7)
        self.fact("accepted", {}, fence=7)
        self.decide("confirmed", {"owner_until": NOON + 172_800_000}, fence=7)
        self.fact("sold", {"sku": "A", "qty": 1, "share": 1, "sale": "T-1/1"})
        self.move("sold", on_hand=-1, share=-1, number=2)
        self.store.execute("UPDATE stock SET on_hand = 9, share = 4 WHERE sku = 'A'")

    def insert(self, table: str, **row: Any) -> None:
        self.centre.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )

    def order(self, no: str, *, fence: int, qty: int = 1) -> None:
        """An order of A that S001 owns, with its reservation, known on both sides."""
        self.insert(
            "shop_order",
            no=no,
            channel="web",
            external_id=no,
            kind="pickup",
            state="open",
            placed_at=NOON,
            promised_by=0,
            pickup_store="S001",
            lat=0,
            lon=0,
            name="",
            phone="",
            address="",
            language="en",
            note="",
            pickup_code="",
            code_salt="",
            code_hash="",
            cancel_requested_at=0,
            closed_at=0,
            fingerprint="",
        )
        self.insert("shop_order_line", order_no=no, line=1, sellable="A", qty=qty, price_fen=0)
        self.insert(
            "fulfilment_order",
            fo=f"{no}-1",
            order_no=no,
            state="owned",
            fence=fence,
            store="S001",
            attempts=1,
            next_try_at=0,
            made_at=NOON,
        )
        self.insert(
            "fulfilment_line",
            fo=f"{no}-1",
            line=1,
            order_line=1,
            sellable="",
            sku="A",
            qty=qty,
            released=0,
            cancelled=0,
        )
        self.insert(
            "assignment",
            fence=fence,
            fo=f"{no}-1",
            store="S001",
            attempt=1,
            offered_at=NOON,
            accept_by=NOON + 1_800_000,
            state="accepted",
            ownership="confirmed",
            accepted_at=NOON,
            confirmed_at=NOON,
            owner_until=NOON + 172_800_000,
            released_at=0,
            withdraw_requested_at=0,
            ended_at=0,
            ended_reason="",
            distance_m=0,
            person="",
            location="",
        )
        self.insert(
            "assignment_line",
            fence=fence,
            line=1,
            sku="A",
            qty=qty,
            reserved=qty,
            picked=0,
            short=0,
            released=0,
            put_back=0,
        )
        self.decide("offered", {"fo": f"{no}-1"}, fence=fence)
        self.move("promise", reserved=qty, pool=-qty)
        self.store.execute(
            "INSERT INTO assignment (fence, fo, order_no, kind, offered_at, accept_by, confirmed,"
            " owner_until, state, ownership)"
            " VALUES (?, ?, ?, 'pickup', ?, ?, 1, ?, 'accepted', 'confirmed')",
            (fence, f"{no}-1", no, NOON, NOON + 1_800_000, NOON + 172_800_000),
        )
        self.store.execute(
            "INSERT INTO assignment_line (fence, line, sku, qty) VALUES (?, 1, 'A', ?)", (fence, qty)
        )

    def move(self, reason: str, *, number: int = 0, **units: int) -> None:
        """The centre's stock and its ledger."""
        self.centre.execute(
            "INSERT OR IGNORE INTO stock (store, sku, on_hand, reserved, share, pool, debt, damaged,"
            " hold, suppressed) VALUES ('S001', 'A', 0, 0, 0, 0, 0, 0, 0, 0)"
        )
        change = ", ".join(f"{column} = {column} + {by}" for column, by in units.items())
        self.centre.execute(f"UPDATE stock SET {change} WHERE store = 'S001' AND sku = 'A'")
        columns = (
            dict.fromkeys(("on_hand", "reserved", "share", "pool", "debt", "damaged", "hold"), 0) | units
        )
        self.insert(
            "stock_ledger",
            store="S001",
            sku="A",
            at=NOON,
            reason=reason,
            incarnation="I1" if number else "",
            number=number,
            fence=0,
            person="",
            note="",
            **columns,
        )

    def fact(
        self,
        kind: str,
        body: dict[str, Any],
        *,
        fence: int = 0,
        taken: bool = True,
        verdict: str = "applied",
        raw: bytes = b"",
    ) -> int:
        """A fact in the store's log and, if `taken`, in the centre's."""
        raw = (
            raw
            or json.dumps(
                {"k": kind, "c": "c", "p": "p", "d": "d", "t": NOON, "f": fence, "b": body}
            ).encode()
        )
        number, before = self._facts
        self._facts = number + 1, chain(before, raw)
        self.store.execute(
            "INSERT INTO fact (number, raw, chain, kind, fence, person, device, command, recorded_at)"
            " VALUES (?, ?, ?, ?, ?, 'p', 'd', 'c', ?)",
            (*self._facts[:1], raw, self._facts[1], kind, fence, NOON),
        )
        if taken:
            self.insert(
                "fact",
                store="S001",
                incarnation="I1",
                number=self._facts[0],
                kind=kind,
                fence=fence,
                person="p",
                device="d",
                command="c",
                occurred_at=NOON,
                received_at=NOON,
                verdict=verdict,
                note="",
                chain=self._facts[1],
                raw=raw,
            )
            self.store.execute("UPDATE meta SET value = ? WHERE key = 'facts_acked'", (str(self._facts[0]),))
        return self._facts[0]

    def decide(self, kind: str, body: dict[str, Any], *, fence: int = 0, taken: bool = True) -> None:
        raw = json.dumps({"k": kind, "t": NOON, "f": fence, "b": body}).encode()
        number, before = self._decisions
        self._decisions = number + 1, chain(before, raw)
        self.insert(
            "decision",
            store="S001",
            number=number + 1,
            kind=kind,
            fence=fence,
            at=NOON,
            chain=self._decisions[1],
            raw=raw,
        )
        if taken:
            for key, value in (
                ("decisions_number", str(number + 1)),
                ("decisions_chain", self._decisions[1]),
            ):
                self.store.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))

    def case(self, kind: str, **row: Any) -> None:
        blank = {
            "state": "open",
            "store": "",
            "order_no": "",
            "fo": "",
            "fence": 0,
            "sku": "",
            "params": "{}",
            "evidence": "[]",
            "remedy": "",
            "opened_at": NOON,
            "closed_at": 0,
            "closed_by": "",
            "outcome": "",
        }
        self.insert("open_case", id=f"C-{kind}", kind=kind, **(blank | row))

    def history(self, sql: str, *values: Any) -> None:
        """Change what the database itself would not let anybody change."""
        for (name,) in self.centre.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            self.centre.execute(f"DROP TRIGGER {name}")
        self.centre.execute("PRAGMA ignore_check_constraints = ON")
        self.centre.execute(sql, values)

    def audit(self, *, now: int = NOON, settled: bool = True) -> Audit:
        return audit(self.folder / "centre.db", {"S001": self.folder / "S001.db"}, now=now, settled=settled)
