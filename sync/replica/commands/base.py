"""What every command stands on: outcomes, the desk a command works at, and the list of commands.

A command is judged at a desk: the open transaction, who asks, and short ways to look things
up, refuse, and record a fact together with its effect. A handler either returns its
result or raises `Refused`; then nothing of it remains but the remembered outcome.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from sync.replica import effects, history, log, read
from sync.replica.context import Context
from sync.replica.people import check_pin
from sync.rules.permissions import Actor, may, needs_second
from sync.rules.refusals import Refusal, Refused, Why, refuse
from sync.rules.states import Step, allows
from sync.sqlite import Connection
from sync.wire import facts as f

Result = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a command answered. The same for every repeat of its id."""

    ok: bool
    refusal: Refusal | None = None
    result: Result = field(default_factory=dict)
    hints: frozenset[str] = frozenset()
    """What changed (`assignment:<fence>`, `stock:<sku>`, `notice`); empty for a repeat. Not remembered."""


class Guess(Refused):
    """A wrong PIN or code. The try is counted although the command leaves no other effect."""

    def __init__(self, refusal: Refusal, count: Callable[[Connection], None]) -> None:
        super().__init__(refusal)
        self.count = count


class Lead(msgspec.Struct, frozen=True):
    """The second person who stands by an action with their own PIN."""

    person: str
    pin: str
    reason: str = ""


class Desk:
    """One command at work."""

    def __init__(self, tx: Connection, ctx: Context, store: str) -> None:
        self.tx = tx
        self.ctx = ctx
        self.store = store
        self.now = ctx.moment.now
        self.hints: set[str] = set()

    # -- rights

    def actor(self, person: str = "", role: str = "") -> Actor:
        return Actor(person or self.ctx.person, role or self.ctx.role, store=self.store)

    def must(self, permission: str) -> None:
        refusal = may(self.actor(), permission, store=self.store, online=self.ctx.line_up)
        if refusal is not None:
            raise Refused(self._named(refusal))

    def second(self, permission: str, lead: Lead | None) -> str:
        """The person who stands by, where this role needs one for the permission; else ''."""
        self.must(permission)
        if not needs_second(self.ctx.role, permission):
            return ""
        return self.lead(permission, lead)

    def lead(self, permission: str, lead: Lead | None) -> str:
        """Another person's PIN on the same screen, of one whose role can stand by it."""
        if lead is None or not lead.person:
            raise refuse(Why.NEEDS_LEAD)
        if lead.person == self.ctx.person:
            raise refuse(Why.SAME_PERSON, person=self.name(lead.person))
        checked = check_pin(self.tx, lead.person, lead.pin, self.ctx.moment)
        if checked.refusal is not None:
            raise Guess(checked.refusal, checked.count) if checked.count else Refused(checked.refusal)
        if checked.role != "store_lead":
            raise refuse(Why.NOT_ALLOWED, person=self.name(lead.person))
        refusal = may(
            self.actor(lead.person, checked.role), permission, store=self.store, online=self.ctx.line_up
        )
        if refusal is not None:
            raise Refused(self._named(refusal))
        return lead.person

    def _named(self, refusal: Refusal) -> Refusal:
        return Refusal(refusal.reason, refusal.facts | {"person": self.name(self.ctx.person)})

    # -- facts

    def record(self, body: f.Body, *, fence: int = 0) -> int:
        """Append the fact and apply it: one transaction, one place for the effect."""
        number = log.append(self.tx, body, self.ctx, fence=fence)
        history.fact(self.tx, body, self.ctx, fence)
        effects.apply(self.tx, body, self.ctx, fence)
        if fence:
            self.hints.add(f"assignment:{fence}")
        sku = getattr(body, "sku", "")
        if sku:
            self.hints.add(f"stock:{sku}")
        return number

    # -- looking up

    def assignment(self, fence: int, step: Step | None = None) -> sqlite3.Row:
        """The assignment, if it is there and the step is allowed from its state."""
        row = read.assignment(self.tx, fence)
        if row is None:
            raise refuse(Why.UNKNOWN_TASK, fence=fence)
        if step is not None and not allows(row["state"], step):
            raise self.not_now(row)
        return row

    def not_now(self, row: sqlite3.Row) -> Refused:
        """Why a step is not allowed, as exactly as the replica knows."""
        from sync.rules.states import State

        facts: dict[str, Any] = {"order": row["order_no"]}
        state = State(row["state"])
        if state is State.RELEASED:
            facts |= {"time": self.time(row["released_at"]), "person": self.name(row["released_by"])}
            return refuse(Why.HANDED_OVER, **facts)
        if row["withdrawn"]:
            return refuse(Why.WITHDRAWN, **facts, time=self.time(row["withdrawn_at"]), to=row["withdrawn_to"])
        if row["expired"]:
            return refuse(Why.HOLD_OVER, **facts, time=self.time(row["owner_until"]))
        return refuse(Why.NOT_NOW, **facts, state={"say": read.STATE_TEXTS[state]})

    def line(self, row: sqlite3.Row, line: int) -> sqlite3.Row:
        found = read.line(self.tx, row["fence"], line)
        if found is None:
            raise refuse(Why.UNKNOWN_LINE, order=row["order_no"], line=line)
        return found

    def sku(self, code: str) -> str:
        """The SKU of a scanned or typed code, or a refusal."""
        from sync.replica.resolve import item_of

        found = item_of(self.tx, code)
        if found is None:
            raise refuse(Why.UNKNOWN_CODE, code=code)
        return found.sku

    # -- words for facts

    def time(self, at: int) -> str:
        return read.local_time(self.tx, at, self.now)

    def name(self, person: str) -> str:
        return read.person_name(self.tx, person)

    def item(self, sku: str) -> dict[str, str]:
        return read.item_name(self.tx, sku)


def quantity(qty: int, most: int | None = None, sku: str = "") -> int:
    """A whole number of units, at least one and at most what is left."""
    if qty < 1:
        raise refuse(Why.BAD_QUANTITY, qty=qty)
    if most is not None and qty > most:
        raise refuse(Why.TOO_MANY, left=most, sku=sku, qty=qty)
    return qty


A = TypeVar("A", bound=msgspec.Struct)
Handler = Callable[[Desk, Any], Result]


@dataclass(frozen=True)
class Command:
    name: str
    args: type[msgspec.Struct]
    permission: str
    handle: Handler


COMMANDS: dict[str, Command] = {}


def command(
    name: str, args: type[A], permission: str
) -> Callable[[Callable[[Desk, A], Result]], Callable[[Desk, A], Result]]:
    """Enters a handler into the list. `permission` is asked before anything else is looked at."""

    def enter(handle: Callable[[Desk, A], Result]) -> Callable[[Desk, A], Result]:
        assert name not in COMMANDS, f"two commands named {name}"
        COMMANDS[name] = Command(name, args, permission, handle)
        return handle

    return enter
