"""A store node for the pages' tests and screenshots: a real replica, real commands, a line that is told.

`DemoNode` has no socket and no timers, so a test says what the line is, and when it is.
Everything else is the product's own: migrations, decisions, commands, effects.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sync import sqlite
from sync.agent.config import LineStatus
from sync.agent.listeners import Listeners
from sync.ids import new_id
from sync.replica import commands, printing, till
from sync.replica.context import Context, Moment
from sync.replica.decisions import apply_decision, apply_rows
from sync.replica.open import open_replica
from sync.rules.codes import check_digit
from sync.rules.secrets import hash_code, hash_pin
from sync.sqlite import Connection
from sync.wire import decisions as d

T = TypeVar("T")

STORE = "S001"
NOON = 1_795_320_000_000
"""2026-11-22 12:00 in Shanghai."""
MIN = 60_000
PIN = "2468"
LEAD_PIN = "1357"
CODE = "481216"
TILL_KEY = "till-key-of-S001"
HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}"

GOODS = (
    ("LS-2210-SND-M", "Linen shirt, sand", "亚麻衬衫 沙色", "Size M", "M 码", "B-04-2"),
    ("LS-2210-SND-L", "Linen shirt, sand", "亚麻衬衫 沙色", "Size L", "L 码", "B-04-2"),
    ("JN-1180-IND-32", "Jeans, straight, indigo", "直筒牛仔裤 靛蓝", "32/32", "32/32", "C-11-1"),
    ("DR-7701-RED-S", "Wrap dress, red", "裹身连衣裙 红色", "Size S", "S 码", "A-02-3"),
    ("CP-0001-GRY", "Wool cap, grey", "羊毛帽 灰色", "One size", "均码", "D-01-1"),
    (
        "BG-9004-TAN",
        "Leather weekend bag with a detachable strap, tan and cream",
        "真皮周末旅行袋 可拆卸肩带 棕褐与米白拼色",
        "60 × 35 cm",
        "60 × 35 厘米",
        "BACKROOM-SHELF-17",
    ),
)
STORES = (
    ("S001", "Nanjing Rd", "南京路店"),
    ("S002", "Huaihai Rd", "淮海路店"),
    ("S003", "Xujiahui", "徐家汇店"),
)


def gtin_of(n: int) -> str:
    digits = f"690123456{n:03d}"
    return digits + str(check_digit(digits))


@dataclass
class DemoNode:
    """The node's interface over one replica; what LINK's StoreNode is to the pages."""

    path: Path
    now: int = NOON
    up: bool = True
    since: int = NOON - 45 * MIN
    heard_at: int = NOON - 2_000
    error: int = 0
    seed: int = 1
    db: Connection = field(init=False)
    number: int = 0
    acked: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.db = open_replica(self.path, STORE, self.dice.randbytes, self.now)
        self.reader = sqlite.connect(self.path, read_only=True)
        self.listeners = Listeners(self.now)
        self.performed: list[tuple[str, dict[str, Any]]] = []
        self.grants: dict[str, int] = {}
        """What the centre's pool would give to a till that asks."""
        self.lost_answers = 0
        """So many of the next commands are done, and their answers lost."""

    def close(self) -> None:
        self.reader.close()
        self.db.close()

    def moment(self) -> Moment:
        return Moment(self.now - self.error, self.now, self.now + self.error)

    def context(self, person: str, device: str, command: str) -> Context:
        row = self.db.execute("SELECT role FROM person WHERE id = ? AND active = 1", (person,)).fetchone()
        role = "till" if person == "till" else row["role"] if row else ""
        return Context(self.moment(), person, role, device, command, self.up, self.new_id)

    def new_id(self) -> str:
        return new_id(self.now, self.dice.randbytes)

    async def ask_share(self, rows: Sequence[tuple[str, int]]) -> bool:
        """What the share lacks; `grants` says what a centre would give."""
        granted = 0
        for sku, qty in till.lacking(self.db, rows) if self.up else ():
            if self.grants.get(sku, 0) >= qty:
                self.grants[sku] -= qty
                self.decide(d.Granted(sku, qty))
                granted += 1
        return granted > 0

    async def perform(
        self, name: str, args: dict[str, Any], *, command_id: str, person: str, device: str
    ) -> commands.Outcome:
        self.performed.append((name, args))
        with sqlite.writing(self.db):
            outcome = commands.perform(self.db, name, args, self.context(person, device, command_id))
        self.listeners.tell(set(outcome.hints))
        return outcome

    async def read(self, fn: Callable[[Connection], T]) -> T:
        return fn(self.reader)

    def look(self, fn: Callable[[Connection], T]) -> T:
        return fn(self.reader)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        with sqlite.writing(self.db):
            return fn(self.db)

    def status(self) -> LineStatus:
        number = self.db.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
        oldest = self.db.execute(
            "SELECT min(recorded_at) FROM fact WHERE number > ?", (self.acked,)
        ).fetchone()[0]
        return LineStatus(
            self.up, self.since, self.heard_at, max(number - self.acked, 0), oldest or 0, self.moment()
        )

    # -- what the centre says

    def decide(self, body: d.Body, fence: int = 0, at: int = 0) -> None:
        self.number += 1
        decision = d.Decision(
            kind=d.NAMES[type(body)],
            at=at or self.now,
            fence=fence,
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
        with sqlite.writing(self.db):
            hints = apply_decision(
                self.db, self.number, decision, self.context("node", "node", f"auto:{self.number}")
            )
        self.listeners.tell(hints)

    def rows(self, stream: str, rows: list[tuple[str, dict[str, Any]]]) -> None:
        with sqlite.writing(self.db):
            apply_rows(self.db, stream, [{"key": key, "body": body} for key, body in rows])

    def acknowledge(self) -> None:
        """The centre has everything recorded so far."""
        with sqlite.writing(self.db):
            self.acked = self.db.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
            self.db.execute("UPDATE fact SET verdict = 'applied' WHERE verdict = ''")
            self.db.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('facts_acked', ?)", (str(self.acked),)
            )

    def offer(
        self,
        fence: int,
        lines: list[tuple[str, int]],
        *,
        order: str = "",
        kind: str = "pickup",
        left: int = 28 * MIN,
        promised: int = 0,
        shopper: str = "L. Wang",
        tail: str = "4821",
        note: str = "",
        code: str = CODE,
        instead_of: str = "",
    ) -> int:
        """`instead_of`: what of the order every line stands in for."""
        salt = f"salt{fence}"
        self.decide(
            d.Offered(
                fo=f"F{1000 + fence}",
                order=order or f"YP-{1000 + fence}",
                kind=kind,
                accept_by=self.now + left,
                lines=tuple(
                    d.OfferLine(n, sku, qty, n, instead_of=instead_of)
                    for n, (sku, qty) in enumerate(lines, 1)
                ),
                promised_by=promised,
                channel="shop",
                shopper=shopper,
                phone_tail=tail,
                code_salt=salt if kind == "pickup" and code else "",
                code_hash=hash_code(code, salt) if kind == "pickup" and code else "",
                address="静安区南京西路 1266 号" if kind != "pickup" else "",
                note=note,
            ),
            fence,
            at=self.now - 2 * MIN,
        )
        return fence

    def do(self, name: str, person: str = "p1", **args: Any) -> dict[str, Any]:
        """Perform a command as somebody, and insist that it worked."""
        with sqlite.writing(self.db):
            outcome = commands.perform(self.db, name, args, self.context(person, "HDEMO1", self.new_id()))
        assert outcome.ok, outcome.refusal
        return outcome.result

    # -- an assignment brought to a stage

    def confirm(self, fence: int) -> None:
        self.decide(d.Confirmed(owner_until=self.now + 48 * 60 * MIN), fence)

    def accepted(self, fence: int, lines: list[tuple[str, int]], **more: Any) -> int:
        self.offer(fence, lines, **more)
        self.do("accept", fence=fence)
        self.confirm(fence)
        return fence

    def picked(self, fence: int, lines: list[tuple[str, int]], **more: Any) -> int:
        self.accepted(fence, lines, **more)
        self.do("start_wave", fences=[fence])
        for n, (_sku, qty) in enumerate(lines, 1):
            self.do("pick", fence=fence, line=n, qty=qty)
        return fence

    def packed(self, fence: int, lines: list[tuple[str, int]], **more: Any) -> int:
        self.picked(fence, lines, **more)
        self.do("pack", fence=fence)
        return fence

    def staged(self, fence: int, lines: list[tuple[str, int]], shelf: str = "P-3", **more: Any) -> int:
        self.packed(fence, lines, **more)
        self.do("stage", fence=fence, location=shelf)
        return fence


@lru_cache
def hashed(pin: str, salt: bytes) -> str:
    """Slow on purpose, and the same people work in the stores of a thousand tests."""
    return hash_pin(pin, salt)


def people(node: DemoNode, names: tuple[str, str, str] = ("Lin", "Zhao Min", "Chen Lead")) -> None:
    pins = [hashed(pin, node.dice.randbytes(16)) for pin in (PIN, PIN, LEAD_PIN)]
    roles = ("associate", "associate", "store_lead")
    languages = ("en", "zh", "en")
    node.rows(
        "people:" + STORE,
        [
            (f"p{n}", {"name": name, "role": role, "pin_hash": pin, "language": language, "active": 1})
            for n, (name, role, pin, language) in enumerate(
                zip(names, roles, pins, languages, strict=True), 1
            )
        ],
    )


def catalogue(node: DemoNode, hostile: bool = False) -> None:
    node.rows(
        "catalogue",
        [
            (
                sku,
                {
                    "name_en": HOSTILE if hostile else en,
                    "name_zh": HOSTILE if hostile else zh,
                    "detail_en": d_en,
                    "detail_zh": d_zh,
                    "gtins": [gtin_of(n).zfill(14)],
                    "price_fen": 19_900,
                    "serialised": 0,
                },
            )
            for n, (sku, en, zh, d_en, d_zh, _) in enumerate(GOODS)
        ],
    )
    node.rows("shelves:" + STORE, [(g[0], {"location": g[5]}) for g in GOODS])
    node.rows(
        "stores",
        [
            (
                code,
                {
                    "name_en": HOSTILE if hostile else en,
                    "name_zh": HOSTILE if hostile else zh,
                    "region": "SH",
                    "lat": 31.2,
                    "lon": 121.4,
                    "timezone": "Asia/Shanghai",
                },
            )
            for code, en, zh in STORES
        ],
    )
    node.decide(d.StockLoaded("opening", tuple((g[0], 20, 10) for g in GOODS)))


def store(path: Path, **more: Any) -> DemoNode:
    """People, goods and stock, and nothing to do."""
    node = DemoNode(path, **more)
    catalogue(node)
    people(node)
    node.acknowledge()
    return node


def many_skus(node: DemoNode, count: int = 50_000) -> None:
    """A catalogue of real size, written straight into the tables: the pages only read it."""
    with sqlite.writing(node.db):
        node.db.executemany(
            "INSERT OR IGNORE INTO item (sku, name_en, name_zh) VALUES (?, ?, ?)",
            ((f"SKU-{n:06d}", f"Article number {n}", f"商品 {n}") for n in range(count)),
        )
        node.db.executemany(
            "INSERT OR IGNORE INTO gtin (gtin, sku) VALUES (?, ?)",
            ((f"{n:014d}", f"SKU-{n:06d}") for n in range(count)),
        )
        node.db.executemany(
            "INSERT OR IGNORE INTO stock (sku, on_hand, share) VALUES (?, 8, 4)",
            ((f"SKU-{n:06d}",) for n in range(count)),
        )
        node.db.executemany(
            "INSERT OR IGNORE INTO shelf (sku, location) VALUES (?, ?)",
            ((f"SKU-{n:06d}", f"Z-{n % 97:02d}-{n % 7}") for n in range(count)),
        )


def busy(node: DemoNode) -> None:
    """One order in every stage, and something to read: what the screenshots show."""
    shirt, jeans, dress, cap, bag = GOODS[0][0], GOODS[2][0], GOODS[3][0], GOODS[4][0], GOODS[5][0]
    node.staged(7, [(shirt, 1), (cap, 1)], shelf="P-3", shopper="W. Li", tail="0913")
    node.staged(8, [(dress, 1)], shelf="P-1", shopper="张 *", tail="7744")
    node.packed(9, [(jeans, 2)], kind="shipment", promised=NOON + 90 * MIN)
    node.packed(10, [(cap, 1)], kind="same_day", promised=NOON + 40 * MIN)
    node.packed(11, [(shirt, 1)], shopper="H. Chen", tail="5521")
    node.picked(12, [(jeans, 1), (cap, 2)], promised=NOON + 3 * 60 * MIN)
    # Two orders in one wave, half picked.
    node.accepted(13, [(shirt, 2), (jeans, 1)], promised=NOON + 2 * 60 * MIN)
    node.accepted(14, [(bag, 1), (cap, 1)], kind="shipment", promised=NOON + 4 * 60 * MIN)
    node.do("start_wave", fences=[13, 14])
    node.do("pick", fence=13, line=1, qty=1)
    node.accepted(15, [(dress, 1)])
    node.accepted(16, [(cap, 1), (bag, 1)], kind="same_day", promised=NOON + 55 * MIN)
    # Taken away while it was in a tote.
    node.picked(17, [(shirt, 1), (cap, 1)], order="YP-1039")
    node.decide(d.Withdrawn("late", "S002", "Huaihai Rd", NOON - 20 * MIN), 17)
    # Returns and counts.
    node.staged(18, [(dress, 2)], shelf="P-2", order="YP-0990")
    node.do("hand_over", fence=18, code=CODE)
    node.do("take_return", order="YP-0990", sku=dress, qty=1, reason="does_not_fit")
    node.decide(d.CountAsked(cap, "not_found", "p1"))
    node.decide(d.CountAsked(jeans, "not_found"))
    node.decide(d.TransferAnnounced("T-2207", "S003", ((shirt, 4), (cap, 6))))
    node.do("open_manifest", courier="SF Express")
    node.acknowledge()
    # Offers, the most urgent first.
    node.offer(42, [(shirt, 1), (dress, 2)], left=4 * MIN + 12_000, promised=NOON + 6 * 60 * MIN)
    node.offer(45, [(jeans, 1)], kind="shipment", left=8 * MIN + 40_000, promised=NOON + 5 * 60 * MIN)
    node.offer(
        47,
        [(cap, 2)],
        kind="same_day",
        left=27 * MIN + 55_000,
        promised=NOON + 60 * MIN,
        note="Please wrap as a gift, no price tag",
    )


def offline(node: DemoNode) -> None:
    """The line is cut: an offer accepted provisionally, work recorded and not sent."""
    node.up, node.since, node.heard_at = False, NOON - 25 * MIN, NOON - 26 * MIN
    node.do("accept", fence=45)


def wave_of(node: DemoNode, fence: int) -> str:
    return str(node.db.execute("SELECT wave FROM assignment WHERE fence = ?", (fence,)).fetchone()[0])


def printers(node: DemoNode) -> None:
    """A label printer and an office printer, and a paper in every state."""
    with sqlite.writing(node.db):
        for name, kind in (("Labels at the packing table", "zpl"), ("office", "pdf")):
            one = printing.Printer(name, kind, "printer-17.back-office.lan", 9100, 100, 60, 203)
            printing.add_printer(node.db, one)
        for n, state in enumerate(("waiting", "sending", "printed", "unsure", "stopped"), 1):
            printing.ask(node.db, f"job{n}", "test", "office", "office", person="p1", now=node.now - MIN)
            node.db.execute("UPDATE print_job SET state = ? WHERE id = ?", (state, f"job{n}"))
        printing.ask(node.db, "job9", "pickup", "11", "Labels at the packing table", now=node.now - MIN)
        tried = node.db.execute("SELECT number FROM print_job WHERE id = 'job9'").fetchone()[0]
        printing.failed(node.db, tried, "TimeoutError", node.now)


@contextlib.contextmanager
def served(node: DemoNode, **more: Any) -> Iterator[str]:
    """The pages on loopback, in a thread; the address. `more` is for `make_app`."""
    import socket
    import threading
    import time

    import uvicorn

    from pwa.app import make_app

    app = make_app(node, store=STORE, secret="kept", till_key=TILL_KEY, **more)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        # Streams of changes never end by themselves, so there is nothing to wait for at the end.
        uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=0, lifespan="on")
    )
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the pages did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def signed_in(context: Any, node: DemoNode, base: str, person: str = "p1") -> None:
    """As `sign_in_browser`, past its pages: for tests that begin at work."""
    from pwa.signin.sessions import open_session

    with sqlite.writing(node.db):
        token = open_session(node.db, person, "HDEMO1", node.now, node.dice.randbytes)
    values = {"session": token, "device": "HDEMO1"}
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in values.items()])


def sign_in_browser(page: Any, base: str, person: str = "p1") -> None:
    page.goto(f"{base}/sign-in?person={person}")
    page.fill("#pin", LEAD_PIN if person in ("p3", "p4") else PIN)
    page.click(".foot .btn")
    page.wait_for_url("**/orders*")
