"""What the tills' door takes and answers, as OpenAPI: made from the types that read the requests."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

_ANSWERS: dict[str, str] = {
    "200": "Done, or the answer.",
    "201": "Booked; the same number again is answered the same way and changes nothing.",
    "207": "Some lines need a person; the others are booked.",
    "401": "No valid key of this store.",
    "409": "Refused by the rules: `reason` for the program, `detail` and `next_step` for the person.",
    "422": "Not understood; nothing was recorded.",
    "429": "Too often; wait as `Retry-After` says.",
    "503": "The box cannot save anything now; nothing was recorded.",
}


@cache
def document() -> dict[str, Any]:
    from pwa.till import api  # late: the routes name this document

    bodies = (api.Sale, api.SaleReturn, api.SaleVoid)
    schemas, components = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    sale, back, void = schemas
    return {
        "openapi": "3.1.0",
        "info": {"title": "yipan store node: tills", "version": "1"},
        "components": {
            "schemas": {**components, "Problem": _PROBLEM, "MaySell": _MAY_SELL},
            "securitySchemes": {"till": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"till": []}],
        "paths": {
            "/till/may-sell": {"get": _question()},
            "/till/sales": {"post": _post("Book a sale, or an exchange (`back`).", sale)},
            "/till/returns": {"post": _post("Goods came back.", back)},
            "/till/voids": {"post": _post("Take a whole sale back before its goods left.", void)},
            "/till/files": {"post": _file()},
        },
    }


def _question() -> dict[str, Any]:
    return {
        "summary": "May this be sold?",
        "parameters": [
            _parameter("code", "A SKU, or a GTIN in any GS1 form.", required=True),
            _parameter("qty", "Units, 1 if not said."),
            _parameter("ask", "1: ask the centre for what the share lacks, at most 0.3 seconds."),
        ],
        "responses": _answers(
            ("200", "401", "422", "429"), {"200": {"$ref": "#/components/schemas/MaySell"}}
        ),
    }


def _post(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _answers(("201", "401", "409", "422", "429", "503")),
    }


def _file() -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string"}} for kind in ("text/csv", "application/x-ndjson")}
    return {
        "summary": "What a till did, told afterwards: CSV with a header, or a line of JSON each.",
        "parameters": [
            _parameter("name", "The file's name, for people."),
            _parameter("columns", "What this till calls its columns: sale=Bon,code=Artikel."),
        ],
        "requestBody": {"required": True, "content": content},
        "responses": _answers(("200", "207", "401", "422", "429", "503")),
    }


def _parameter(name: str, text: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": text,
        "schema": {"type": "string"},
    }


def _answers(codes: tuple[str, ...], schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code in codes:
        good = code.startswith("2")
        kind = "application/json" if good else "application/problem+json"
        schema = (schemas or {}).get(code, {"type": "object"} if good else _PROBLEM_REF)
        found[code] = {"description": _ANSWERS[code], "content": {kind: {"schema": schema}}}
    return found


_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_YES = {"type": "boolean"}
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "reason", "next_step"), _TEXT),
        "status": _NUMBER,
        "facts": {"type": "object"},
    },
    "required": ["type", "title", "status", "detail"],
}
_MAY_SELL = {
    "type": "object",
    "properties": {
        "may_sell": _YES,
        "may_insist": _YES,
        "blocked": _YES,
        "says": {"enum": ["yes", "ask", "promised", "none", "unknown"]},
        "code": _TEXT,
        "sku": _TEXT,
        "qty": _NUMBER,
        "share": _NUMBER,
        "there": _NUMBER,
        "promised_to": {"type": "array", "items": {"type": "object"}},
    },
}
