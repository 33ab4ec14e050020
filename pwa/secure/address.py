"""How secure the address is that a page was asked for at, in the reader's words.

Two say it: the node, from the way the request came, and the browser itself (`isSecureContext`, in
`parts.js`), which alone knows of its policies. What is lost is said calmly and never silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import State

from pwa.secure.keeper import Keeper
from pwa.secure.papers import Paper
from pwa.secure.shield import from_this_machine
from pwa.texts import Texts
from sync.texts import N_

LOST = N_(
    "This page is not on a secure address: no offline work on this handheld, no camera, and the browser may"
    " forget what it keeps. Everything else works while the store's box answers."
)
WHY = {
    "": N_("No certificate yet: it comes with the line to the centre."),
    "no_answer": N_("No certificate yet: the centre has not answered. The box asks again by itself."),
    "no_authority": N_("The centre makes no certificates yet. Ask headquarters to run `yipan ca create`."),
    "no_file": N_("The certificate's files are not where the box was told to look."),
    "unreadable": N_(
        "The certificate's files cannot be read. The one before stays in use, if there was one."
    ),
}
OTHER = N_("The centre gave no certificate ({why}). The box asks again by itself.")


@dataclass(frozen=True)
class Address:
    """`way`: https, proxy (something in front speaks HTTPS), here (this very machine), plain."""

    way: str
    paper: Paper | None = None
    why: str = ""
    active: bool = False
    """There is a keeper: this node speaks HTTPS itself, or will."""

    @property
    def safe(self) -> bool:
        return self.way != "plain"


def address_of(request: Request[Any, Any, State]) -> Address:
    keeper: Keeper | None = request.app.state.get("keeper")
    host = (request.url.hostname or "").lower()
    if request.scope.get("scheme") == "https":
        way = "https"
    elif request.app.state.secure:
        way = "proxy"
    elif host in ("localhost", "127.0.0.1", "::1") and from_this_machine(request.scope):
        way = "here"
    else:
        way = "plain"
    if keeper is None:
        return Address(way)
    return Address(way, keeper.paper, keeper.why, True)


def told(at: Address, t: Texts, now: int) -> dict[str, Any]:
    """For the status page: sentence, mood, and the certificate."""
    return {
        "safe": at.safe,
        "lost": t(LOST),
        "text": "" if not at.safe else t(N_("This page is on a secure address.")),
        "certificate": certificate(at, t, now) if at.active and at.way != "proxy" else "",
        "mood": _mood(at, now),
        "names": ", ".join(at.paper.names) if at.paper else "",
    }


def _mood(at: Address, now: int) -> str:
    state = at.paper.life.state(now) if at.paper else ""
    return "warn" if state in ("late", "expired") else ""


def certificate(at: Address, t: Texts, now: int) -> str:
    if at.paper is None:
        return t(WHY[at.why]) if at.why in WHY else t(OTHER, why=at.why)
    life = at.paper.life
    day, left = f"{t.at(life.ends):%Y-%m-%d}", t.age(life.ends - now)
    state = life.state(now)
    if state == "expired":
        return t(
            N_(
                "The certificate ended on {day}. Handhelds that have worked here go on by themselves; a new"
                " one cannot open the page. It is renewed when the line is up."
            ),
            day=day,
        )
    if at.paper.own:
        return t(N_("Your own certificate, valid until {day} ({left})."), day=day, left=left)
    if state == "late":
        return t(
            N_("The certificate should have been renewed. It ends on {day} ({left}); the line is needed."),
            day=day,
            left=left,
        )
    return t(N_("Certificate valid until {day} ({left}); it is renewed by itself."), day=day, left=left)
