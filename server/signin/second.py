"""A second person stands by an action: their id and PIN on the same form.

They need the permission themselves, for the same place, and may not be the one who asks. Their tries
are counted like those of a sign-in, so this form is no way around the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar.connection import ASGIConnection

from server.pages import WebRequest, language_of, texts
from server.signin import session as core
from server.signin.session import Manager
from sync.rules.permissions import SCOPES, Actor, may, needs_second
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.secrets import pin_matches
from sync.texts import N_

WANTED = N_("A second person has to enter their id and PIN.")
UNPROVEN = N_("This id and PIN do not belong together.")
TOO_MANY = N_("Too many wrong PINs came from this address.")


async def second_person(
    request: WebRequest,
    manager: Manager,
    form: Mapping[str, Any],
    permission: str,
    *,
    store: str = "",
    region: str = "",
) -> str:
    """The id of the second person; empty where the manager needs none. Raises Refused."""
    if not needs_second(manager.role, permission):
        return ""
    who, pin = str(form.get("second", "")).strip()[:64], str(form.get("second_pin", ""))[:64]
    if not who or not pin:
        raise refuse(Why.BAD_INPUT, problem={"say": WANTED})
    if who == manager.id:
        raise refuse(Why.SAME_PERSON, person=manager.name)
    if not await proven(request, who, pin):
        raise refuse(Why.BAD_INPUT, problem={"say": UNPROVEN})
    row = await request.app.state.writer.read(
        lambda db: db.execute("SELECT * FROM person WHERE id = ?", (who,)).fetchone()
    )
    actor = Actor(person=who, role=row["role"], store=row["store"], region=row["region"])
    refusal = (
        may(actor, permission, store=store, region=region)
        if row["role"] in SCOPES
        else refuse(Why.NOT_ALLOWED).refusal
    )
    if refusal is not None:
        refusal.facts["person"] = row["name"]
        raise Refused(refusal)
    return who


async def proven(request: WebRequest, who: str, pin: str) -> bool:
    """Whether id and PIN belong together. A wrong one counts; a locked id raises Refused."""
    state = request.app.state
    now = state.clock()
    own = texts(language_of(request))
    address = address_of(request)
    if state.sessions.addresses.closed(address, now):
        raise refuse(Why.BAD_INPUT, problem={"say": TOO_MANY})
    hashed, _role = await state.writer.read(lambda db: core.pin_hash_of(db, who))
    if hashed:
        until = await state.writer.do(lambda tx: core.take_try(tx, who, now=now))
    else:
        until = state.sessions.stranger(who, now)
    if until:
        raise refuse(Why.PIN_LOCKED, person=who, time=own.clock(until))
    if not await asyncio.to_thread(pin_matches, hashed, pin):
        state.sessions.addresses.failed(address, now)
        return False
    await state.writer.do(lambda tx: core.forget_tries(tx, who))
    return True


def address_of(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Where the request came from. Behind a proxy of ours the last hop it noted, which nobody can invent."""
    if request.app.state.config.behind_https:
        noted = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if noted:
            return str(noted[:64])
    return request.client.host if request.client else ""
