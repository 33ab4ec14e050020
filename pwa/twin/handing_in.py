"""Where a handheld hands in what it did alone: each command once, in its order, each with its answer.

A box that dies in the middle has kept every command that it did; the handheld sends all of them again.
"""

from __future__ import annotations

import json
import re
from typing import Any

from litestar import Response, post
from litestar.exceptions import ClientException

from pwa.twin import seals
from pwa.twin.deeds import DEEDS
from pwa.web import COMMAND, Asked, node_of
from sync.replica.commands import Outcome
from sync.rules.refusals import Refusal, Why

MOST = 100
"""Commands in one handing in."""
ID = re.compile(COMMAND.pattern.replace(r"\Z", "") + r"(\.\d{1,16})?")


@post("/twin/commands", status_code=200)
async def commands(request: Asked) -> Response[bytes]:
    try:
        rows = list((await request.json())["commands"])[:MOST]
        wanted = [(str(row["id"]), row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ClientException("commands") from error
    told = [{"id": command_id} | await _done(request, command_id, row) for command_id, row in wanted]
    body = json.dumps({"outcomes": told, "person": request.user.person}, ensure_ascii=False).encode()
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _done(request: Asked, command_id: str, row: Any) -> dict[str, Any]:
    node, who = node_of(request), request.user
    now, secret = node.status().moment.now, request.app.state.seal_secret
    try:
        command = seals.read(row, session=who.person, device=who.device, now=now, secret=secret)
        if command is None:
            return {"held": True}  # it waits for its person; it is not done in somebody else's name
        if command.id != command_id or not ID.fullmatch(command_id) or command.name not in DEEDS:
            raise ValueError("command")
        outcome = await node.perform(
            command.name, command.args, command_id=command_id, person=command.person, device=who.device
        )
    except (KeyError, TypeError, ValueError) as error:
        # One command of another release must not hold up all that wait behind it.
        outcome = Outcome(False, Refusal(Why.NOT_UNDERSTOOD, {"problem": str(error)}))
    if outcome.refusal is None:
        return {"ok": outcome.ok}
    texts = request.app.state.texts(who.language)
    return {
        "ok": False,
        "reason": str(outcome.refusal.reason),
        "sentence": outcome.refusal.sentence(texts.translate),
        "next_step": outcome.refusal.next_step(texts.translate),
    }
