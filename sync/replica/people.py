"""PINs at the store: checked with argon2id, counted durably, so a restart gives no new tries.

Five wrong PINs lock a person for five minutes; each further one doubles it, up to a day.
A right PIN clears the count. Sign-in and overrides both come through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.replica import read
from sync.replica.context import Moment
from sync.rules.refusals import Refusal, Why
from sync.rules.secrets import pin_matches
from sync.sqlite import Connection

TRIES = 5
LOCK_MS = 5 * 60_000
LONGEST_LOCK_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Checked:
    """Either a person with name, role and language, or a refusal and how to count the try."""

    person: str
    role: str = ""
    name: str = ""
    language: str = "en"
    refusal: Refusal | None = None
    count: Callable[[Connection], None] | None = None


def check_pin(tx: Connection, person: str, pin: str, moment: Moment) -> Checked:
    """Judge a PIN. The caller writes the count (`count(tx)`) even where all else is rolled back."""
    row = tx.execute(
        "SELECT name, role, pin_hash, language, wrong_pins, locked_until FROM person "
        "WHERE id = ? AND active = 1",
        (person,),
    ).fetchone()
    if row is None:
        pin_matches("", pin)  # as slow as a real one
        return Checked(person, refusal=Refusal(Why.UNKNOWN_PERSON, {"person": person}))
    name, role, hashed, language, wrong, locked_until = row
    # The bound that is safe: a clock set forward must not open the lock.
    if moment.earliest < locked_until:
        facts = {"person": name, "time": read.local_time(tx, locked_until, moment.now), "until": locked_until}
        return Checked(person, refusal=Refusal(Why.PIN_LOCKED, facts))
    if pin_matches(hashed, pin):
        if wrong:
            tx.execute("UPDATE person SET wrong_pins = 0, locked_until = 0 WHERE id = ?", (person,))
        return Checked(person, role, name, language)
    return _wrong(tx, person, name, wrong + 1, moment)


def _wrong(tx: Connection, person: str, name: str, wrong: int, moment: Moment) -> Checked:
    until = 0
    if wrong >= TRIES:
        until = moment.latest + min(LOCK_MS * 2 ** (wrong - TRIES), LONGEST_LOCK_MS)

    def count(tx: Connection) -> None:
        tx.execute("UPDATE person SET wrong_pins = ?, locked_until = ? WHERE id = ?", (wrong, until, person))

    if until:
        facts = {"person": name, "time": read.local_time(tx, until, moment.now), "until": until}
        return Checked(person, refusal=Refusal(Why.PIN_LOCKED, facts), count=count)
    facts = {"person": name, "left": TRIES - wrong}
    return Checked(person, refusal=Refusal(Why.WRONG_PIN, facts), count=count)
