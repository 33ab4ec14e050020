"""The papers of the store: what stands on each, from the record as it is when the printer takes it.

Every code on paper is one that a scan understands: a parcel's, a tote's, an order's number, a SKU. After
a total outage the work goes on from the paper. Names and addresses are on the papers that need them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from pwa.courier.views import ON
from pwa.printing.paper import BIG, HUGE, SMALL, Bars, Block, Paper, Rule, Say, Square, clean
from pwa.texts import Texts
from sync.replica import read
from sync.replica.commands.printing import WAITING
from sync.replica.resolve import tote_code
from sync.rules.states import Kind
from sync.sqlite import Connection, Row
from sync.texts import N_

KINDS = {Kind.PICKUP: N_("Pickup"), Kind.SAME_DAY: N_("Same day"), Kind.SHIPMENT: N_("Ship")}


class NothingThere(Exception):
    """What the paper was about has left the record since it was asked for."""


def made(db: Connection, paper: str, subject: str, language: str, now: int) -> Paper:
    """The paper as its printer is to be told. `NothingThere` if it is about nothing any more."""
    row = db.execute("SELECT timezone FROM store").fetchone()
    t = Texts(language, row["timezone"] if row else "UTC")
    maker = MAKERS.get(paper)
    if maker is None:
        raise NothingThere
    return maker(db, subject, t, now)


def say(text: object, mm: float = 3.4, *, bold: bool = False, instead: str = "") -> Say:
    return Say(clean(str(text)), mm, bold, clean(instead))


def worded(t: Texts, text: str, mm: float = 3.4, *, bold: bool = False, **values: object) -> Say:
    """A text of ours: in English where this machine cannot draw Chinese."""
    english = Texts("en", str(t.zone))
    return say(t(text, **values), mm, bold=bold, instead=english(text, **values))


def one(db: Connection, sql: str, *values: object) -> Row:
    row: Row | None = db.execute(sql, values).fetchone()
    if row is None:
        raise NothingThere
    return row


def turn(db: Connection, fence: int) -> Row:
    return one(db, "SELECT * FROM assignment WHERE fence = ?", fence)


def fence_of(subject: str) -> int:
    if not subject.isdigit():
        raise NothingThere
    return int(subject)


# --- labels


def parcel(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """On the parcel: its code, whose order it is, the how-manieth of how many, where it goes."""
    row = one(db, "SELECT * FROM parcel WHERE code = ?", subject)
    order = turn(db, row["fence"])
    codes = [p["code"] for p in read.parcels(db, row["fence"])]
    units = sum(qty for _, qty in json.loads(row["lines"]))
    kind = t(KINDS.get(order["kind"], order["kind"]))
    blocks: list[Block] = [
        say(order["order_no"], BIG, bold=True),
        say(f"{kind} · {codes.index(subject) + 1}/{len(codes)} · ×{units}", instead=f"x{units}"),
    ]
    if order["kind"] != Kind.PICKUP and order["address"]:
        blocks += [say(order["shopper"], bold=True), say(order["address"])]
    elif order["shopper"]:
        blocks.append(say(f"{order['shopper']} {tail(order)}"))
    return Paper(subject, (*blocks, Bars(subject), *by_date(t, order)))


def tote(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """On the tote: its letter, to be read from across the room, and a code that carries its task."""
    order = turn(db, fence_of(subject))
    if not order["wave"]:
        raise NothingThere
    code = tote_code(order["wave"], order["tote"])
    blocks = (say(order["tote"], HUGE, bold=True), say(order["order_no"], BIG), Bars(code))
    return Paper(code, blocks)


def pickup(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """On what waits for its shopper: found by name, last digits or number; never the pickup code."""
    order = turn(db, fence_of(subject))
    blocks: list[Block] = [
        say(order["location"] or "-", 9.0, bold=True),
        say(f"{order['shopper']} {tail(order)}".strip() or order["order_no"], BIG, instead=tail(order)),
        Bars(order["order_no"]),
    ]
    until = order["owner_until"]
    if until:
        blocks.append(worded(t, N_("Held until {time}"), time=f"{t.at(until):%m-%d %H:%M}"))
    return Paper(order["order_no"], tuple(blocks))


def tail(order: Row) -> str:
    return f"...{order['phone_tail']}" if order["phone_tail"] else ""


def by_date(t: Texts, order: Row) -> list[Block]:
    promised = order["promised_by"]
    return [worded(t, N_("By {time}"), SMALL, time=f"{t.at(promised):%m-%d %H:%M}")] if promised else []


def test(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """Whether everything that our papers need comes out readable."""
    store = db.execute("SELECT * FROM store").fetchone()
    name = t.name(store) if store else ""
    return Paper(
        "test",
        (
            worded(t, N_("Test print"), BIG, bold=True),
            say(f"{subject} · {name}", instead=subject),
            say("一盘货 · 包裹 周转箱 自提", instead="no font with Chinese letters on this machine"),
            Bars("YIPAN-TEST", 10.0),
            Square("YIPAN-TEST", 14.0, (say(f"{t.at(now):%Y-%m-%d %H:%M}"),)),
        ),
    )


# --- sheets


def pick_list(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """A wave on paper: the way past the shelves, what goes into which tote, and a code for each."""
    orders = db.execute(
        "SELECT * FROM assignment WHERE wave = ? ORDER BY accept_by, fence", (subject,)
    ).fetchall()
    if not orders:
        raise NothingThere
    blocks = head(db, t, now, t(N_("Pick list")), "Pick list", subject)
    for order in orders:
        code = tote_code(subject, order["tote"])
        says = (say(f"{order['tote'] or '-'} | {order['order_no']}", BIG, bold=True), say(code, SMALL))
        blocks.append(Square(code, 14.0, says))
    blocks.append(Rule())
    for row in db.execute(LINES, (subject,)):
        left = row["qty"] - row["picked"] - row["short"]
        if left > 0:
            blocks.append(Square(row["sku"], 12.0, line_says(t, row, left)))
    return Paper(subject, tuple(blocks))


LINES = (
    "SELECT l.*, a.tote, coalesce(i.name_en, '') AS name_en, coalesce(i.name_zh, '') AS name_zh,"
    " coalesce(s.location, '') AS shelf, coalesce(m.name_en, '') AS missing_en,"
    " coalesce(m.name_zh, '') AS missing_zh FROM assignment a JOIN assignment_line l ON l.fence = a.fence"
    " LEFT JOIN item i ON i.sku = l.sku LEFT JOIN shelf s ON s.sku = l.sku"
    " LEFT JOIN item m ON m.sku = l.instead_of"
    " WHERE a.wave = ? AND a.state IN ('accepted', 'picking', 'picked')"
    " ORDER BY l.later, shelf = '', shelf, a.tote, l.line"
)


def line_says(t: Texts, row: Row, qty: int) -> tuple[Say, ...]:
    return (
        say(f"[_] {row['shelf'] or '-'} | {qty} x | -> {row['tote'] or '-'}", bold=True),
        say(t.name(row) or row["sku"], instead=row["name_en"] or row["sku"]),
        say(row["sku"], SMALL),
        *stands_in(t, row, qty),
    )


def stands_in(t: Texts, row: Row, qty: int) -> list[Say]:
    """What of the order it comes instead of: whoever packs looks for that otherwise."""
    missing = row["instead_of"]
    if not missing:
        return []
    text = N_("Instead of {n}× {name}")
    name = t.name(row, "missing") or missing
    return [
        say(t(text, n=qty, name=name), SMALL, instead=f"Instead of {qty}x {row['missing_en'] or missing}")
    ]


def handover(db: Connection, subject: str, t: Texts, now: int) -> Paper:
    """What leaves the store, to be signed on paper while nothing else works, and scanned in afterwards."""
    if subject == WAITING:
        return waiting_pickups(db, t, now)
    manifest = one(db, "SELECT * FROM manifest WHERE code = ?", subject)
    rows = db.execute(
        "SELECT p.code, a.order_no, a.kind, a.location FROM parcel p JOIN assignment a ON a.fence = p.fence"
        f" WHERE {ON} = ? ORDER BY p.code",
        (subject,),
    ).fetchall()
    blocks = head(db, t, now, f"{t(N_('Handover sheet'))} · {manifest['courier']}", "Handover sheet", subject)
    for row in rows:
        says = (say(row["code"], bold=True), say(row["order_no"]), say(row["location"] or "-", SMALL))
        blocks.append(Square(row["code"], 14.0, says))
    blocks += [Rule(), worded(t, N_("Parcels: {n}"), n=len(rows)), *signature(t)]
    return Paper(subject, tuple(blocks))


def waiting_pickups(db: Connection, t: Texts, now: int) -> Paper:
    rows = db.execute(
        "SELECT * FROM assignment WHERE state = 'staged' AND kind = 'pickup' ORDER BY owner_until, fence"
    ).fetchall()
    blocks = head(db, t, now, t(N_("Waiting for shoppers")), "Waiting for shoppers", "")
    for row in rows:
        says = (
            say(f"{row['order_no']} | {row['location']}", bold=True),
            say(f"{row['shopper']} {tail(row)}".strip() or "-", instead=tail(row)),
            worded(t, N_("Code: ________  Time: ______  Signed: ____________"), SMALL),
        )
        blocks.append(Square(row["order_no"], 14.0, says))
    return Paper(WAITING, (*blocks, Rule(), worded(t, N_("Orders: {n}"), n=len(rows))))


def head(db: Connection, t: Texts, now: int, title: str, english: str, code: str) -> list[Block]:
    store = db.execute("SELECT * FROM store").fetchone()
    place = f"{store['code']} {t.name(store)}" if store else ""
    return [
        say(title, BIG, bold=True, instead=english),
        say(f"{place} · {t.at(now):%Y-%m-%d %H:%M} {code}", instead=f"{t.at(now):%Y-%m-%d %H:%M} {code}"),
        Rule(),
    ]


def signature(t: Texts) -> list[Block]:
    return [say(""), worded(t, N_("Taken by: ____________________   Time: __________"))]


MAKERS: dict[str, Callable[[Connection, str, Texts, int], Paper]] = {
    "parcel": parcel,
    "tote": tote,
    "pickup": pickup,
    "pick_list": pick_list,
    "handover": handover,
    "test": test,
}
