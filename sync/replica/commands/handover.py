"""Handing over at the counter: code, collector, partial refusal, a supervisor's override, a short undo."""

from __future__ import annotations

import sqlite3
from typing import Literal

import msgspec

from sync.replica import read
from sync.replica.commands.base import Desk, Guess, Result, command, quantity
from sync.replica.commands.release import Override, against, goods, ready, stood_by, units
from sync.rules.refusals import Refusal, Why, refuse
from sync.rules.secrets import code_matches
from sync.rules.states import Kind, State
from sync.sqlite import Connection
from sync.wire import facts as f

CODE_TRIES = 5
UNDO_MS = 60_000

Proof = Literal["code", "name", "override"]


class HandOver(msgspec.Struct, frozen=True):
    fence: int
    code: str = ""
    override: Override | None = None
    collector: str = ""
    proxy: bool = False
    refused: tuple[tuple[int, int, str], ...] = ()


class UndoHandOver(msgspec.Struct, frozen=True):
    fence: int


@command("hand_over", HandOver, "handover")
def hand_over(desk: Desk, args: HandOver) -> Result:
    row = desk.assignment(args.fence)
    if row["kind"] == Kind.SHIPMENT:
        raise refuse(Why.WRONG_WAY_OUT, order=row["order_no"], kind={"say": read.KIND_TEXTS[row["kind"]]})
    ready(desk, row, args.override)
    # The supervisor's PIN first: without it an override must not even try a code.
    by = stood_by(desk, args.override)
    not_owned = against(desk, row)
    if not_owned is not None and not by:
        raise not_owned
    proof = _proof(desk, row, args, by)
    lines = units(desk, args.fence)
    for line, qty, _reason in args.refused:
        quantity(qty, lines.get(line, 0), str(line))
        lines[line] -= qty
    leaving = tuple((line, qty) for line, qty in lines.items() if qty)
    body = f.HandedOver(
        lines=leaving,
        proof=proof,
        collector=args.collector.strip()[:60],
        proxy=args.proxy,
        refused=args.refused,
        override_by=by,
        goods=goods(desk, args.fence, leaving),
        order=row["order_no"],
    )
    desk.record(body, fence=args.fence)
    after = desk.assignment(args.fence)
    return {
        "fence": args.fence,
        "fo": row["fo"],
        "proof": proof,
        "override": bool(by),
        "state": after["state"],
        "undo_until": desk.now + UNDO_MS,
    }


def _proof(desk: Desk, row: sqlite3.Row, args: HandOver, by: str) -> Proof:
    if args.code:
        _check_code(desk, row, args.code)
        return "code"
    if by:
        return "override"
    if row["code_hash"]:
        raise refuse(Why.CODE_WANTED, order=row["order_no"])
    if not args.collector.strip():
        raise refuse(Why.NAME_WANTED, order=row["order_no"])
    return "name"


def _check_code(desk: Desk, row: sqlite3.Row, code: str) -> None:
    """Five tries for each order, kept in the database: a restart gives no new ones."""
    fence, tries = row["fence"], row["code_tries"]
    if tries >= CODE_TRIES:
        raise refuse(Why.CODE_LOCKED, order=row["order_no"], tries=tries)
    if code_matches(code, row["code_salt"], row["code_hash"]):
        return

    def count(tx: Connection) -> None:
        # All turns of the order here share the budget: a second offer gives no second five.
        tx.execute("UPDATE assignment SET code_tries = ? WHERE order_no = ?", (tries + 1, row["order_no"]))

    left = CODE_TRIES - tries - 1
    if left == 0:
        raise Guess(Refusal(Why.CODE_LOCKED, {"order": row["order_no"], "tries": CODE_TRIES}), count)
    raise Guess(
        Refusal(Why.WRONG_PICKUP_CODE, {"order": row["order_no"], "left": left, "fence": fence}), count
    )


@command("undo_hand_over", UndoHandOver, "handover")
def undo_hand_over(desk: Desk, args: UndoHandOver) -> Result:
    row = desk.assignment(args.fence)
    state = State(row["state"])
    if not row["released_at"] or state not in (State.RELEASED, State.PUT_BACK):
        raise desk.not_now(row)
    if row["manifest"]:
        raise refuse(Why.WRONG_WAY_OUT, order=row["order_no"], kind={"say": read.KIND_TEXTS[row["kind"]]})
    if desk.now - row["released_at"] > UNDO_MS:
        raise refuse(
            Why.TOO_LATE_TO_UNDO,
            order=row["order_no"],
            time=desk.time(row["released_at"]),
            seconds=UNDO_MS // 1000,
        )
    if state is State.PUT_BACK and any(line["put_back"] for line in read.lines(desk.tx, args.fence)):
        raise desk.not_now(row)  # refused goods are on the shelf again already
    lines = tuple(
        (line["line"], line["released"]) for line in read.lines(desk.tx, args.fence) if line["released"]
    )
    body = f.HandoverUndone(lines, goods(desk, args.fence, lines), row["order_no"])
    desk.record(body, fence=args.fence)
    return {"fence": args.fence, "fo": row["fo"], "state": desk.assignment(args.fence)["state"]}
