"""The gate in front of every route: no session, no page. A route is open only if it says so."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.authentication import AbstractAuthenticationMiddleware, AuthenticationResult

from pwa.desk import Who
from pwa.node import Node
from pwa.settings.look import look
from pwa.signin import sessions
from pwa.training.frame import leave_of, session_cookie
from sync.sqlite import Connection


class Gate(AbstractAuthenticationMiddleware):
    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        token = connection.cookies.get(session_cookie(connection), "")
        if not token:
            raise NotAuthorizedException
        node: Node = connection.app.state.node
        now = node.status().moment.now
        session = await node.read(lambda db: sessions.find(db, token, now))
        if session is None:
            raise NotAuthorizedException
        # What a page does by itself (the stream, its refreshes) is not a person using the handheld.
        by_itself = connection.scope["path"] == "/changes" or "x-by-itself" in connection.headers
        if not by_itself and now - session.used_at > sessions.TOUCH_MS:

            def touch(db: Connection) -> None:
                sessions.touch(db, session.token, now)

            await node.write(touch)
        who = Who(
            person=session.person,
            name=session.name,
            role=session.role,
            language=session.language,
            device=session.device,
            leave=leave_of(connection),
            **look(connection.cookies),
        )
        return AuthenticationResult(user=who, auth=token)
