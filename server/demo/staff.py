"""An associate at a store's pages: signs in, answers offers, picks by scanning, packs, hands over.

Reads what the page says and sends the page's own forms. What it knows beside that is what a
person would have in hand: the goods with their codes, and the code that a shopper shows.
"""

from __future__ import annotations

import html
import json
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from server.demo.goods import DemoPerson
from server.demo.pages import Hands, Page

_CARD = r'id="c(\d+)".*?<span class="id">\s*([A-Z]+-\d+)'

Pause = Callable[[], Awaitable[None]]


class NotDone(Exception):
    """A step of the work did not happen. Carries what the page said; `why` for counting."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(text)
        self.why = why or text[:60]


def check(page: Page, doing: str) -> Page:
    if not page.ok:
        raise NotDone(f"{doing}: {page.status} {page.outcome}: {page.text[:300]}", page.outcome)
    return page


class Associate:
    def __init__(
        self, url: str, person: DemoPerson, *, pause: Pause | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self.person = person
        self.hands = Hands(url, person.language, trust)
        self._pause = pause
        self.signed_in = False

    async def close(self) -> None:
        await self.hands.close()

    async def breathe(self) -> None:
        """People take time; a script does not have it."""
        if self._pause is not None:
            await self._pause()

    async def sign_in(self) -> None:
        page = await self.hands.open(f"/sign-in?person={self.person.id}")
        page = await self.hands.send(page.form("/sign-in"), person=self.person.id, pin=self.person.pin)
        check(page, f"{self.person.name} signs in")
        self.signed_in = True

    async def open(self, path: str) -> Page:
        page = await self.hands.open(path)
        if "/sign-in" in page.url:
            # The session ended by itself, as on a handheld that lay on a shelf.
            await self.sign_in()
            page = await self.hands.open(path)
        return page

    async def line_is_up(self) -> bool:
        answer = await self.hands.client.get("/health")
        return bool(answer.json()["line"] == "up")

    # -- offers -------------------------------------------------------------------------

    async def offers(self) -> list[int]:
        page = await self.open("/orders?tab=offers&later=1")
        return _numbers(page, r"/offers/(\d+)")

    async def accept(self, fence: int) -> None:
        page = await self.open(f"/offers/{fence}")
        page = await self.hands.send(page.form("/offers/accept"), fence=[str(fence)])
        check(page, f"accept {fence}")

    async def decline(self, fence: int, reason: str) -> None:
        page = await self.open(f"/offers/{fence}/decline")
        page = await self.hands.send(page.form(rf"/offers/{fence}/decline"), reason=reason)
        check(page, f"decline {fence}")

    # -- work ---------------------------------------------------------------------------

    async def pick(self, fences: list[int], *, one_wrong: str = "") -> str:
        """A wave, scanned unit by unit as the page asks. Returns the wave.

        `one_wrong`: a code that is scanned first by mistake; the page must not take it.
        """
        page = await self.open("/orders?tab=work&later=1")
        chosen = [str(fence) for fence in fences]
        page = check(await self.hands.send(page.form("/waves"), fence=chosen), "start a wave")
        found = re.search(r"/waves/([^/\"?]+)/scan", page.html)
        if found is None:
            raise NotDone(f"no place to scan on {page.text[:300]}")
        wave = found[1]
        if one_wrong:
            page = await self.hands.send(page.form(rf"/waves/{wave}/scan"), code=one_wrong)
            if page.ok:
                raise NotDone(f"the page took {one_wrong}, which nobody ordered")
        await self.scan_all(wave)
        return wave

    async def scan_all(self, wave: str) -> None:
        """Every unit that the wave still wants."""
        page = await self.open(f"/waves/{wave}")
        for _ in range(300):
            code = _wanted(page)
            if not code:
                return
            await self.breathe()
            page = check(await self.hands.send(page.form(rf"/waves/{wave}/scan"), code=code), f"scan {code}")
        raise NotDone(f"wave {wave} does not end")

    async def short(self, wave: str, fence: int, line: int, reason: str) -> None:
        page = await self.open(f"/waves/{wave}/short?fence={fence}&line={line}")
        page = await self.hands.send(page.form(rf"/waves/{wave}/short"), reason=reason)
        check(page, f"short {fence}:{line}")

    async def pack(self, fence: int) -> None:
        page = await self.open(f"/pack/{fence}")
        check(await self.hands.send(page.form(rf"/pack/{fence}")), f"pack {fence}")

    async def stage(self, fence: int, location: str) -> None:
        page = await self.open(f"/stage/{fence}")
        check(await self.hands.send(page.form(rf"/stage/{fence}"), location=location), f"stage {fence}")

    async def hand_over(self, fence: int, code: str) -> Page:
        page = await self.open(f"/handover/{fence}")
        return await self.hands.send(page.form(rf"/handover/{fence}"), code=code)

    async def fulfil(self, fences: list[int], location: str, **more: Any) -> None:
        """Everything from the shelf to the waiting shelf."""
        await self.pick(fences, **more)
        for fence in fences:
            await self.breathe()
            await self.pack(fence)
            if await self.needs_staging(fence):
                await self.stage(fence, location)

    async def needs_staging(self, fence: int) -> bool:
        return self.hands.page.has_form(rf"/stage/{fence}")

    async def ship(self, courier: str) -> int:
        """Everything that is packed for the courier onto one manifest. Returns how many parcels."""
        page = await self.open("/orders?tab=ready&later=1")
        waiting = [order for fence, order in _cards(page) if f"/orders/{fence}" in page.links]
        if not waiting:
            return 0
        page = await self.open("/courier")
        page = check(await self.hands.send(page.form("/courier"), courier=courier), "open a manifest")
        found = re.search(r"/courier/([^/\"?]+)/load", page.html)
        if found is None:
            raise NotDone(f"no place to load on {page.text[:300]}")
        loaded = 0
        for order in waiting:
            page = await self.hands.send(page.form(rf"/courier/{found[1]}/load"), code=order)
            loaded += page.ok
        if loaded:
            check(await self.hands.send(page.form(rf"/courier/{found[1]}/ship")), "hand to the courier")
        return loaded

    async def put_backs(self) -> list[int]:
        return _numbers(await self.open("/orders?tab=work&later=1"), r"/putback/(\d+)")

    async def accepted(self) -> list[int]:
        """What waits to be picked, as the page offers it for a wave."""
        page = await self.open("/orders?tab=work&later=1")
        if not page.has_form("/waves"):
            return []
        return [int(fence) for fence in page.form("/waves").fields.get("fence", [])]

    async def begun(self) -> list[str]:
        """Waves that somebody started here and did not end."""
        page = await self.open("/orders?tab=work&later=1")
        return [link.removeprefix("/waves/") for link in page.links_to(r"/waves/[^/?]+")]

    async def waiting_pickups(self) -> list[tuple[int, str]]:
        """Fence and order number of what waits for its shopper."""
        page = await self.open("/orders?tab=ready&later=1")
        return [(fence, order) for fence, order in _cards(page) if f"/handover/{fence}" in page.links]

    async def take_return(self, order_no: str, code: str, reason: str) -> None:
        page = await self.open(f"/returns/order?number={order_no}")
        form = page.form("/returns/order")
        form.fields.pop("sku", None)
        check(await self.hands.send(form, code=code, reason=reason), f"take a return of {order_no}")

    async def grade_all(self, grade: str, disposition: str, lead: DemoPerson) -> None:
        """Everything in the hold, the lead standing by."""
        page = await self.open("/returns")
        for link in page.links_to(r"/returns/(?!blind|order)[^/?]+"):
            page = await self.open(link)
            fields = {"grade": grade, "disposition": disposition, "lead": lead.id, "pin": lead.pin}
            check(await self.hands.send(page.form(re.escape(link)), **fields), f"grade {link}")

    async def put_back(self, fence: int) -> None:
        """Every unit of a withdrawn order scanned back to its shelf."""
        for _ in range(100):
            page = await self.open(f"/putback/{fence}")
            code = _wanted(page)
            if not page.has_form(rf"/putback/{fence}") or not code:
                return
            check(await self.hands.send(page.form(rf"/putback/{fence}"), code=code), f"put back {code}")
        raise NotDone(f"put back of {fence} does not end")


def _numbers(page: Page, pattern: str) -> list[int]:
    found = re.findall(pattern, page.html)
    return list(dict.fromkeys(int(number) for number in found))


def _cards(page: Page) -> list[tuple[int, str]]:
    """Fence and order number of every card of a list."""
    return [(int(fence), order) for fence, order in re.findall(_CARD, page.html, re.S)]


def _wanted(page: Page) -> str:
    """The first code that the page still wants, from the task that it holds for the scanner."""
    found = re.search(r'data-task="([^"]*)"', page.html)
    if found is None:
        return ""
    text = html.unescape(html.unescape(found[1]))  # the page escapes what tojson has escaped already
    for line in json.loads(text)["lines"]:
        if line["have"] < line["want"]:
            return str(line["codes"][-1])
    return ""
