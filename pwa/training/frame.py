"""What tells a training from the real pages: the address of the other side, and the cookies' names.

Cookies know no ports, so a session of one side must not be called like one of the other.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

SESSION, TRAINING_SESSION = "session", "training_session"
CSRF, TRAINING_CSRF = "csrftoken", "training_csrftoken"


def session_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return TRAINING_SESSION if connection.app.state.leave_port else SESSION


def csrf_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return TRAINING_CSRF if connection.app.state.leave_port else CSRF


def address(connection: ASGIConnection[Any, Any, Any, Any], port: int) -> str:
    """The other side, as the reader reaches this one."""
    safe = connection.scope.get("scheme") == "https" or connection.app.state.secure
    host = connection.url.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    usual = port == (443 if safe else 80)
    return f"{'https' if safe else 'http'}://{shown}" + ("" if usual else f":{port}")


def leave_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Where the real pages are, for whoever is in a training; else nothing."""
    port = connection.app.state.leave_port
    return f"{address(connection, port)}/training" if port else ""
