"""What a till is told: JSON, and problem details (RFC 9457) in the reader's language."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response

from pwa.texts import Texts
from sync.rules.refusals import Refusal

PROBLEM = "application/problem+json"


def language_of(asked: str, otherwise: str) -> str:
    """What the till asks for, else the store's."""
    asked = asked.strip().lower()
    return "zh" if asked.startswith("zh") else "en" if asked.startswith("en") else otherwise


def problem_body(status: int, detail: str, *, kind: str = "about:blank", **more: Any) -> bytes:
    return msgspec.json.encode({"type": kind, "title": detail, "status": status, "detail": detail, **more})


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response[bytes]:
    return Response(
        problem_body(status, detail, kind=kind, **more),
        status_code=status,
        headers={"Content-Type": PROBLEM, "Cache-Control": "no-store", **(headers or {})},
    )


def refused(refusal: Refusal, t: Texts) -> Response[bytes]:
    """The rules said no: a reason for the program, a sentence and a next step for the person."""
    return problem(
        409,
        refusal.sentence(t.translate),
        kind=f"yipan:refused:{refusal.reason}",
        next_step=refusal.next_step(t.translate),
        reason=str(refusal.reason),
        facts=refusal.facts,
    )


def answered(status: int, body: Any) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
