"""What the store has to do, read from the replica: the cards of the lists and the lines of an order.

Shared by every activity; nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pwa.desk import Desk, Gone
from sync.replica.read import STATE_TEXTS
from sync.rules.states import Kind, Ownership, State
from sync.sqlite import Row

CARDS = (
    "SELECT a.*, count(*) AS lines, sum(l.qty) AS qty, sum(l.picked) AS picked, sum(l.short) AS short,"
    " sum(l.released) AS released, sum(l.put_back) AS put_back"
    " FROM assignment a JOIN assignment_line l ON l.fence = a.fence WHERE {where}"
    " GROUP BY a.fence ORDER BY {order}"
)

OFFERS = "a.state = 'offered' AND a.withdrawn = 0"
READY = "a.state = 'staged' OR (a.state = 'packed' AND a.kind <> 'pickup')"
WORK = (
    "a.state IN ('accepted', 'picking', 'picked', 'put_back') OR (a.state = 'packed' AND a.kind = 'pickup')"
)
MOST = 300
"""A store works a few hundred orders a day; a list longer than this says so instead of growing."""


@dataclass(frozen=True)
class Card:
    fence: int
    order_no: str
    kind: str
    state: str
    provisional: bool
    confirmed: bool
    withdrawn: bool
    accept_by: int
    promised_by: int
    owner_until: int
    items: int
    """Units still wanted: what was not shorted."""
    picked: int
    to_put_back: int
    location: str
    tote: str
    wave: str
    manifest: str
    picker: str
    shopper: str
    phone_tail: str

    @property
    def pickup(self) -> bool:
        return self.kind == Kind.PICKUP

    @property
    def url(self) -> str:
        """Where this order's next step is done."""
        match self.state:
            case State.OFFERED:
                return f"/offers/{self.fence}"
            case State.PICKING if self.wave:
                return f"/waves/{self.wave}"
            case State.PICKED:
                return f"/pack/{self.fence}"
            case State.PACKED if self.pickup:
                return f"/stage/{self.fence}"
            case State.STAGED if self.pickup:
                return f"/handover/{self.fence}"
            case State.PUT_BACK:
                return f"/putback/{self.fence}"
            case _:
                return f"/orders/{self.fence}"


def card_of(row: Row) -> Card:
    return Card(
        fence=row["fence"],
        order_no=row["order_no"],
        kind=row["kind"],
        state=row["state"],
        provisional=row["ownership"] == Ownership.PROVISIONAL,
        confirmed=row["ownership"] == Ownership.CONFIRMED,
        withdrawn=bool(row["withdrawn"]),
        accept_by=row["accept_by"],
        promised_by=row["promised_by"],
        owner_until=row["owner_until"],
        items=row["qty"] - row["short"],
        picked=row["picked"],
        to_put_back=max(row["picked"] - row["released"] - row["put_back"], 0),
        location=row["location"],
        tote=row["tote"],
        wave=row["wave"],
        manifest=row["manifest"],
        picker=row["picker"],
        shopper=row["shopper"],
        phone_tail=row["phone_tail"],
    )


def cards(desk: Desk, where: str, *values: Any, order: str = "a.accept_by, a.fence") -> list[Card]:
    """Cards that fit a condition, the most urgent first."""
    sql = CARDS.format(where=where, order=order) + f" LIMIT {MOST}"
    return [card_of(row) for row in desk.rows(sql, *values)]


def offers(desk: Desk) -> list[Card]:
    return cards(desk, OFFERS)


def work(desk: Desk) -> list[Card]:
    """Put-backs first: their goods are in nobody's hands until they are scanned."""
    promised = "CASE WHEN a.promised_by > 0 THEN a.promised_by ELSE a.accept_by END"
    return cards(desk, WORK, order=f"a.state = 'put_back' DESC, {promised}, a.fence")


def ready(desk: Desk) -> list[Card]:
    promised = "CASE WHEN a.promised_by > 0 THEN a.promised_by ELSE a.owner_until END"
    return cards(desk, READY, order=f"a.kind = 'pickup' DESC, {promised}, a.fence")


def counts(desk: Desk) -> dict[str, int]:
    row = desk.row(
        f"SELECT count(*) FILTER (WHERE {OFFERS}) AS offers, count(*) FILTER (WHERE {WORK}) AS work,"
        f" count(*) FILTER (WHERE {READY}) AS ready FROM assignment a"
        " WHERE state IN ('offered', 'accepted', 'picking', 'picked', 'packed', 'staged', 'put_back')"
    )
    assert row is not None
    return {"offers": row["offers"], "work": row["work"], "ready": row["ready"]}


def card(desk: Desk, fence: int) -> Card:
    row = desk.row(CARDS.format(where="a.fence = ?", order="a.fence"), fence)
    if row is None:
        raise Gone("This order is not in this store any more.")
    return card_of(row)


@dataclass(frozen=True)
class Line:
    fence: int
    line: int
    sku: str
    qty: int
    picked: int
    short: int
    released: int
    put_back: int
    later: int
    name: str
    detail: str
    other_name: str
    """The name in the other language: labels on goods do not follow the reader's choice."""
    shelf: str
    gtins: tuple[str, ...]
    order_no: str
    tote: str
    instead: str
    """What it stands in for, by name; empty when it is what was ordered."""

    @property
    def left(self) -> int:
        return max(self.qty - self.picked - self.short, 0)

    @property
    def held(self) -> int:
        """Picked units that are still here: to pack, to hand over or to put back."""
        return max(self.picked - self.released - self.put_back, 0)

    @property
    def codes(self) -> list[str]:
        return [self.sku, *self.gtins]

    @property
    def key(self) -> str:
        return f"{self.fence}:{self.line}"


LINES = (
    "SELECT l.*, a.order_no, a.tote, coalesce(i.name_en, l.sku) AS name_en,"
    " coalesce(i.name_zh, '') AS name_zh,"
    " coalesce(i.detail_en, '') AS detail_en, coalesce(i.detail_zh, '') AS detail_zh,"
    " coalesce(s.location, '') AS shelf,"
    " (SELECT group_concat(g.gtin) FROM gtin g WHERE g.sku = l.sku) AS gtins,"
    " coalesce(m.name_en, l.instead_of) AS missing_en, coalesce(m.name_zh, '') AS missing_zh,"
    " coalesce(m.detail_en, '') AS missed_en, coalesce(m.detail_zh, '') AS missed_zh"
    " FROM assignment_line l JOIN assignment a ON a.fence = l.fence"
    " LEFT JOIN item i ON i.sku = l.sku LEFT JOIN shelf s ON s.sku = l.sku"
    " LEFT JOIN item m ON m.sku = l.instead_of"
)


def line_of(desk: Desk, row: Row) -> Line:
    other = row["name_en"] if desk.t.language == "zh" else row["name_zh"]
    return Line(
        fence=row["fence"],
        line=row["line"],
        sku=row["sku"],
        qty=row["qty"],
        picked=row["picked"],
        short=row["short"],
        released=row["released"],
        put_back=row["put_back"],
        later=row["later"],
        name=desk.t.name(row),
        detail=desk.t.name(row, "detail"),
        other_name=other if other != desk.t.name(row) else "",
        shelf=row["shelf"],
        gtins=tuple((row["gtins"] or "").split(",")) if row["gtins"] else (),
        order_no=row["order_no"],
        tote=row["tote"],
        instead=missing(desk, row),
    )


def missing(desk: Desk, row: Row) -> str:
    """Name and kind of what a line stands in for."""
    name, detail = desk.t.name(row, "missing"), desk.t.name(row, "missed")
    return f"{name}, {detail}" if detail else name


BESIDE = (
    "a.order_no = ? AND a.fence <> ?"
    " AND a.state IN ('offered', 'accepted', 'picking', 'picked', 'packed', 'staged') AND a.withdrawn = 0"
)


def beside(desk: Desk, of: Card) -> list[dict[str, str]]:
    """The order's other parts that this store works on: they leave together, or their shopper comes twice."""
    found = cards(desk, BESIDE, of.order_no, of.fence, order="a.fence")
    return [
        {
            "url": one.url,
            "tote": one.tote,
            "location": one.location,
            "state": STATE_TEXTS[State(one.state)],
        }
        for one in found
    ]


def lines(desk: Desk, fences: Iterable[int]) -> list[Line]:
    wanted = list(fences)
    marks = ",".join("?" * len(wanted))
    found = desk.rows(f"{LINES} WHERE l.fence IN ({marks}) ORDER BY l.fence, l.line", *wanted)
    return [line_of(desk, row) for row in found]


def item_name(desk: Desk, sku: str) -> str:
    row = desk.row("SELECT name_en, name_zh FROM item WHERE sku = ?", sku)
    return desk.t.name(row) if row else sku


def people_names(desk: Desk) -> dict[str, str]:
    return {row["id"]: row["name"] for row in desk.rows("SELECT id, name FROM person")}
