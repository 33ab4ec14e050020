"""Plain-word notices: what the centre or the clock changed under somebody's hands, and what to do.

A notice keeps the facts it was made of; its sentence is made when it is shown, in the reader's
language, and the goods to put back are looked up live. It stays until a person has dealt with it.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from sync.replica import read
from sync.rules.refusals import Translate, say
from sync.sqlite import Connection
from sync.texts import N_

TAKEN_BACK: dict[str, str] = {
    "lapsed": N_("{order} was taken back at {time}: it was not accepted in time."),
    "late": N_("{order} was taken back at {time}: the acceptance reached the centre too late."),
    "declined": N_("{order} was taken back at {time}: this store declined it."),
    "cancelled": N_("{order} was cancelled at {time}."),
    "reassigned": N_("{order} was given to another store at {time}."),
    "no_show": N_("{order} was not collected in time. It was taken back at {time}."),
    "debt": N_("{order} was taken back at {time}: the goods were needed for what was sold already."),
    "restored": N_("{order} is not known at the centre any more. It was taken back at {time}."),
}
TAKEN_BACK_OTHER = N_("{order} was taken back at {time}.")
NOW_AT = N_("{store} has it now.")
NOW_AT_SINCE = N_("{store} has it now, accepted at {since}.")
PUT_BACK = N_("Put back: {goods}.")
NOTHING_BACK = N_("Nothing has to be put back.")
GONE_ALREADY = N_("It had left this store already. The centre has opened a case; a person will call.")
HOLD_EXPIRED = N_("The hold of {order} ended at {time}: it was not collected.")
RELEASED_LATE = N_("{order} left this store although it was not this store's any more ({verdict}).")
CASE_OPEN = N_("Case {case} is open at the centre. Keep the papers; do not hand over anything else for it.")
LATE_WORK = N_("The centre could not use the report about {order} ({verdict}).")
LOOK_AT_TASK = N_("Open the task and follow its next step.")
LACKING = N_("{units} of {item} ({sku}) are missing. They were promised to {orders}.")
COUNT_FIRST = N_(
    "This box lost its record, or came back with an older one. Of {items} items nothing is sold from"
    " the store's own share before they are counted."
)
COUNT_FIRST_NEXT = N_("Count them first, those that orders wait for before the others.")
TILL_FILE = N_("{name}: {broken} lines could not be read, {unclear} could not be booked.")
TILL_FILE_NEXT = N_("Look at the list. Nothing else of the file is lost; send it again once it is mended.")
LACKING_NEXT = N_("Look for them once more. What cannot be found: report it short when picking.")

VERDICTS: dict[str, str] = {
    "late": N_("too late"),
    "stale": N_("an older turn"),
    "forced": N_("forced"),
    "parked": N_("kept for a person"),
}


@dataclass(frozen=True)
class Shown:
    """A notice in the reader's words."""

    id: str
    kind: str
    fence: int
    at: int
    sentence: str
    next_step: str


def make(
    tx: Connection, notice: str, kind: str, at: int, fence: int = 0, *, silent: bool = False, **params: Any
) -> None:
    """Tell staff; a newer word on the same thing takes the place of the older one.

    `silent`: kept for whoever looks the task up, but nobody has to put it away.
    """
    tx.execute(
        "INSERT INTO notice (id, kind, fence, params, at, done_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET params = excluded.params",
        (notice, kind, fence, json.dumps(params, ensure_ascii=False), at, at if silent else 0),
    )


def open_notices(db: Connection, translate: Translate, now: int, most: int = 50) -> list[Shown]:
    rows = db.execute(
        "SELECT * FROM notice WHERE done_at = 0 ORDER BY at DESC, id LIMIT ?", (most,)
    ).fetchall()
    return [shown(db, row, translate, now) for row in rows]


def shown(db: Connection, row: sqlite3.Row, translate: Translate, now: int) -> Shown:
    sentence, next_step = _words(db, row, translate, now)
    return Shown(row["id"], row["kind"], row["fence"], row["at"], sentence, next_step)


def _words(db: Connection, row: sqlite3.Row, translate: Translate, now: int) -> tuple[str, str]:
    params: dict[str, Any] = json.loads(row["params"])
    params["time"] = read.local_time(db, params.get("time", row["at"]), now)
    held = read.assignment(db, row["fence"]) if row["fence"] else None
    params["order"] = held["order_no"] if held is not None else params.get("fo", "")
    match row["kind"]:
        case "withdrawn":
            text = say(TAKEN_BACK.get(params["reason"], TAKEN_BACK_OTHER), params, translate)
            if params.get("to"):
                since = read.local_time(db, params.get("since", 0), now)
                where = {"store": params["to"], "since": since}
                text += " " + say(NOW_AT_SINCE if since else NOW_AT, where, translate)
            return text, _goods(db, row["fence"], translate)
        case "hold_expired":
            return say(HOLD_EXPIRED, params, translate), _goods(db, row["fence"], translate)
        case "released_late":
            return (
                say(RELEASED_LATE, _verdict(params), translate),
                say(CASE_OPEN if params.get("case") else GONE_ALREADY, params, translate),
            )
        case "verdict":
            return say(LATE_WORK, _verdict(params), translate), translate(LOOK_AT_TASK)
        case "count_first":
            return say(COUNT_FIRST, params, translate), translate(COUNT_FIRST_NEXT)
        case "till_file":
            return say(TILL_FILE, params, translate), translate(TILL_FILE_NEXT)
        case _:
            return say(LACKING, params, translate), translate(LACKING_NEXT)


def _verdict(params: dict[str, Any]) -> dict[str, Any]:
    word = VERDICTS.get(params.get("verdict", ""), params.get("verdict", ""))
    return params | {"verdict": {"say": word}}


def _goods(db: Connection, fence: int, translate: Translate) -> str:
    held = read.assignment(db, fence)
    if held is not None and held["released_at"] and held["state"] == "released":
        return translate(GONE_ALREADY)
    goods = []
    for _line, sku, units in read.to_put_back(db, fence):
        name = say("{item}", {"item": read.item_name(db, sku)}, translate)
        place = read.shelf_place(db, sku)
        goods.append(f"{units} × {name} ({place or sku})")
    return say(PUT_BACK, {"goods": goods}, translate) if goods else translate(NOTHING_BACK)
