"""The one question that has to be fast: `GET /till/may-sell`, without the web framework around it.

A shopper waits, and a till asks per article. So the question is read from the request, answered on the event
loop from a connection of its own (one statement, no thread in between) and written back. Everything else
goes on to the application. `make_app` has the same question as a route, for whoever runs it without a door.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from pwa.node import Node
from pwa.texts import Texts
from pwa.till.answers import PROBLEM, language_of, problem_body
from pwa.till.keys import TillKeys
from sync.replica.till import question
from sync.texts import N_

PATH = "/till/may-sell"
MOST_UNITS = 10_000
LONGEST_CODE = 120

_encode = msgspec.json.Encoder().encode


class Question:
    """The question as an ASGI application."""

    def __init__(self, node: Node, keys: TillKeys, language: str) -> None:
        self.node, self.keys, self.language = node, keys, language

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        headers = {name: value for name, value in scope["headers"] if name in _WANTED}
        status, kind, body, more = await self.answer(
            scope.get("query_string", b"").decode("latin-1"),
            headers.get(b"authorization", b"").decode("latin-1"),
            headers.get(b"x-till", b"").decode("latin-1"),
            headers.get(b"accept-language", b"").decode("latin-1"),
        )
        fields = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"server-timing", b"ask;dur=%.2f" % ((time.perf_counter() - began) * 1000)),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def answer(
        self, query: str, authorization: str, till: str, language: str
    ) -> tuple[int, bytes, bytes, list[tuple[bytes, bytes]]]:
        status, _, wait = self.keys.check(authorization, till)
        if status != 200:
            text = no_key(status)
            more = [(b"retry-after", str(wait).encode())] if wait else [(b"www-authenticate", b"Bearer")]
            return (*self._problem(status, text, language), more)
        asked = dict(parse_qsl(query))
        code, units = asked.get("code", ""), asked.get("qty", "1")
        if not code or not (units.isascii() and units.isdigit() and 1 <= int(units[:9]) <= MOST_UNITS):
            return (*self._problem(422, BAD_QUESTION, language), [])
        code, qty = code[:LONGEST_CODE], int(units)
        found = self.node.look(lambda db: question(db, code, qty))
        if found.says == "ask" and asked.get("ask") in ("1", "true"):
            # The shopper waits for the centre, at most a third of a second.
            await self.node.ask_share([(code, qty)])
            found = self.node.look(lambda db: question(db, code, qty))
        told = {"may_sell": found.may_sell, "may_insist": found.may_insist, **vars(found)}
        return 200, b"application/json", _encode(told), []

    def _problem(self, status: int, text: str, language: str) -> tuple[int, bytes, bytes]:
        t = Texts(language_of(language, self.language))
        return status, PROBLEM.encode(), problem_body(status, t(text))


class Door:
    """In front of the application: what needs no framework goes past it."""

    def __init__(self, app: Any, question: Question) -> None:
        self.app, self.question = app, question

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            await self.question(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def no_key(status: int) -> str:
    if status == 429:
        return N_("Too many requests from this till. Wait a moment.")
    return N_("This till has no valid key for this store.")


BAD_QUESTION = N_("A code and a quantity of 1 or more are needed.")
_WANTED = (b"authorization", b"x-till", b"accept-language")
