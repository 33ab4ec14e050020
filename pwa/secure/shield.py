"""In front of the pages: what has to differ between plain HTTP and HTTPS on the same port."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

OPEN = ("/root.crt", "/secure", "/health", "/static/", "/app/", "/start")
"""What a handheld needs before it trusts the root. No data of the store."""
HERE = (b"127.0.0.1", b"localhost", b"[::1]")


class Shield:
    """Cookies given over HTTPS are for HTTPS only. With `only_https`, plain HTTP gets no page once there
    is a certificate; what comes from the box itself (the doctor, a till on it, a proxy) always does."""

    def __init__(self, app: Any, has_certificate: Callable[[], bool], *, only_https: bool) -> None:
        self.app, self.has_certificate, self.only_https = app, has_certificate, only_https

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope.get("scheme") == "https":
            # A browser on the box itself may use both ways in turn, and would keep the secure cookie only.
            here = dict(scope["headers"]).get(b"host", b"").startswith(HERE)
            await self.app(scope, receive, send if here else with_secure_cookies(send))
        elif (
            self.only_https
            and self.has_certificate()
            and not (scope["path"].startswith(OPEN) and scope["method"] in ("GET", "HEAD"))
            and not from_this_machine(scope)
        ):
            await refuse(scope, send)
        else:
            await self.app(scope, receive, send)


def from_this_machine(scope: Any) -> bool:
    client = scope.get("client")
    try:
        return bool(client) and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def with_secure_cookies(send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, value + b"; Secure" if _bare_cookie(name, value) else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return sending


def _bare_cookie(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and b"; secure" not in value.lower()


async def refuse(scope: Any, send: Any) -> None:
    """A page is looked for at its secure address; anything else may have been read on its way already."""
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"")
    if scope["method"] in ("GET", "HEAD") and host and not scope["path"].startswith("/till/"):
        query = scope.get("query_string", b"")
        target = b"https://" + host + scope.get("raw_path", scope["path"].encode())
        target += b"?" + query if query else b""
        status, more = 307, [(b"location", target)]
    else:
        status, more = 403, [(b"content-type", b"text/plain")]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*more, (b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})
