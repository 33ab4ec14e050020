"""Messages that leave the house: to whom, when, how often tried. Those without a receiver are shown here."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from litestar import Response, get
from litestar.params import FromQuery

from server.board.words import happened_word, state
from server.pages import WebRequest, language_of, page, texts
from server.signin.web import check

SHOWN = 100
SECRET = ("pickup_code", "code", "phone", "address", "name")
"""Told to the shopper's channel, not to whoever reads this log."""


def messages_now(db: sqlite3.Connection, *, kind_of: str, before: int, region: str) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT o.* FROM outgoing o JOIN event e ON e.id = o.event_id LEFT JOIN store s ON s.code = e.store"
        " WHERE (:state = '' OR o.state = :state) AND (:before = 0 OR o.event_id < :before)"
        " AND (:region = '' OR s.region = :region) ORDER BY o.event_id DESC LIMIT :most",
        {"state": kind_of, "before": before, "region": region, "most": SHOWN},
    ).fetchall()
    return [{**dict(row), "payload": shown(row["payload"])} for row in rows]


def shown(payload: str) -> str:
    """The message with its secrets covered."""

    def cover(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: "••••" if k in SECRET and v else cover(v) for k, v in value.items()}
        return [cover(one) for one in value] if isinstance(value, list) else value

    try:
        return json.dumps(cover(json.loads(payload)), ensure_ascii=False, indent=2)
    except ValueError:
        return payload


def counts_now(db: sqlite3.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT state, COUNT(*) FROM outgoing GROUP BY state").fetchall())


@get("/outbox")
async def outbox_page(
    request: WebRequest, state_is: FromQuery[str] = "", before: FromQuery[int] = 0
) -> Response[str]:
    manager = check(request, "outbox.view", read=True)
    rows, counts = await request.app.state.writer.read(
        lambda db: (
            messages_now(db, kind_of=state_is, before=before, region=manager.scope_region),
            counts_now(db) if not manager.scope_region else {},
        )
    )
    own = texts(language_of(request))
    return page(
        request,
        "outbox/page.html",
        messages=rows,
        counts=counts,
        state_is=state_is,
        state=lambda word: state(word, own),
        kind_word=lambda word: happened_word(word, own),
        more=rows[-1]["event_id"] if len(rows) == SHOWN else 0,
    )


HANDLERS = [outbox_page]
