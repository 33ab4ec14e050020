"""Every frame of the conversation, as types.

One frame is one websocket message under subprotocol `yipan.1`. Unknown fields are
ignored, so a field may be added; a changed or removed one is a new protocol number.
Every such change gets a line in `diary.py` and a vector. Names on the wire are short
where the frame is frequent: one scan has to fit in 250 bytes.
"""

from __future__ import annotations

import msgspec

SUBPROTOCOL = "yipan.1"
MAX_FRAME_BYTES = 256 * 1024
MAX_BATCH_ITEMS = 200
MAX_BATCH_BYTES = 128 * 1024
URGENT = "u"
FACTS = "f"
SNAPSHOT = "s"
BULK = "b"
"""Lanes: facts (up), urgent decisions, snapshot parts, bulk rows (all streams together)."""

Check = tuple[int, str]
"""A number in a log and the chain there."""


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="f"):
    pass


class Challenge(Frame, frozen=True, tag="challenge"):
    """Down, first. The store proves its token against the nonce, so the token never travels
    and a recorded session cannot be played back."""

    nonce: str


class Hello(Frame, frozen=True, tag="hello"):
    store: str
    proof: str
    """HMAC-SHA256 over nonce, store and incarnation; the key is the hash of the node's token."""
    incarnation: str
    host: str
    boot: str = ""
    lowest: int = 1
    highest: int = 1
    """Protocol range that the store speaks."""
    software: str = ""
    schema: str = ""
    head: Check = (0, "")
    floor: int = 0
    """Facts up to here are not kept any more."""
    acked: int = 0
    """The centre said it has applied facts up to here."""
    checks: tuple[Check, ...] = ()
    """The store's chain at some numbers: what lets the centre find where two logs part."""
    parents: tuple[tuple[str, int], ...] = ()
    """Older incarnations that this database continues, newest first, each with the fork's number."""
    centre: str = ""
    """The centre's incarnation when it was last heard; empty: never."""
    decisions: Check = (0, "")
    """Where the store stands in the urgent lane; number -1: it needs a snapshot."""
    streams: dict[str, int] = {}
    fence: int = 0
    """The highest fence ever heard of here."""
    staged: tuple[str, int] = ("", 0)
    """A snapshot on its way in, and how many of its parts are here."""
    unsent: int = 0
    oldest: int = 0
    clock: int = 0


class Compare(Frame, frozen=True, tag="compare"):
    """Down: say hello again, with your chain at these numbers."""

    numbers: tuple[int, ...]


class Welcome(Frame, frozen=True, tag="welcome"):
    session: int
    protocol: int
    centre: str
    time: int
    mode: str
    """What becomes of facts: live, replay (again from `facts`), held (evidence only), review (parked)."""
    facts: int
    """Facts are awaited after this number."""
    decisions: str
    """What becomes of urgent decisions: resume, snapshot (wait for one), none."""
    window: int
    """Bytes of facts that may be under way without an acknowledgement."""
    heartbeat: int
    prunable: int = 0
    streams: bool = True
    """False: bulk streams start over, because the centre's numbers did."""
    upgrade: bool = False
    """This version is too old for bulk; facts and urgent decisions go on."""
    replica: str = ""
    """The incarnation that is welcome: a hello that came twice is answered twice."""


class Refuse(Frame, frozen=True, tag="refuse"):
    code: str
    todo: str
    """retry, authenticate, upgrade, person"""
    shortest: int = 0
    longest: int = 0
    """Milliseconds to wait before the next try."""


class Reset(Frame, frozen=True, tag="reset"):
    """Down: this database is an older copy. Take a new incarnation that forks after `number`."""

    number: int
    chain: str
    replica: str = ""
    """The incarnation that is to be left. Said to one that has been left already, it means nothing."""


class Facts(Frame, frozen=True, tag="facts"):
    n: int
    """Number of the first item."""
    i: tuple[msgspec.Raw, ...]
    h: str
    """The chain after the last item."""


class Ack(Frame, frozen=True, tag="ack"):
    n: int
    """Applied up to."""
    h: str
    p: int = 0
    """Covered by a verified backup up to: the store may forget these."""
    e: bool = False
    """Kept as evidence only; nothing was applied."""


class Decisions(Frame, frozen=True, tag="decisions"):
    n: int
    i: tuple[msgspec.Raw, ...]
    h: str
    s: int = 0
    """Facts that the centre had applied when this was read."""
    c: bool = True
    """The last item is the newest: applied, the store is at a consistent cut."""


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str
    body: msgspec.Raw


class Rows(Frame, frozen=True, tag="rows"):
    """Bulk: rows of one stream, from one cursor to another."""

    stream: str
    start: int
    to: int
    rows: tuple[Row, ...]


class Taken(Frame, frozen=True, tag="taken"):
    """Up: urgent decisions, rows of a stream or parts of a snapshot are durable here."""

    n: int
    l: str = URGENT  # noqa: E741 - lane; one letter, because it goes up for every order
    s: str = ""
    """For bulk: the stream."""


class Credit(Frame, frozen=True, tag="credit"):
    """Both: from now on at most this many bytes of a lane may be under way. 0 stops it."""

    lane: str
    bytes: int


class Held(Frame, frozen=True, tag="held"):
    """Up: this item cannot be applied here; the lane stops before it, the others go on."""

    lane: str
    number: int
    kind: str
    why: str
    stream: str = ""


class SnapshotPart(Frame, frozen=True, tag="snapshot"):
    id: str
    """Checksum of the whole content."""
    part: int
    parts: int
    centre: str
    decisions: Check
    """The cut: urgent decisions up to here are in the content."""
    facts: int
    """… and facts of the store's current incarnation up to here."""
    data: str
    """Base85 of a slice of the deflated content."""


class Want(Frame, frozen=True, tag="want"):
    """Up: a shopper wants more than the share; grant it now if the pool has it. No fact: lost is lost."""

    n: int
    """Counts the questions of a session."""
    rows: tuple[tuple[str, int], ...]
    """SKU and the units that the share lacks."""


class Wanted(Frame, frozen=True, tag="wanted"):
    """Down: the answer. What was granted is in the urgent lane up to `u`, like every grant."""

    n: int
    u: int
    g: int = 0
    """Rows granted, each whole."""


class Certify(Frame, frozen=True, tag="certify"):
    """Up: sign this key for my pages. No fact: a request that is lost is made again."""

    n: int
    """Counts the requests of a session."""
    request: str
    """PKCS#10, DER, in base 64."""


class Certified(Frame, frozen=True, tag="certified"):
    """Down: the chain for that key and the root that PDAs have to trust, in PEM; or why there is none."""

    n: int
    chain: str = ""
    root: str = ""
    why: str = ""


class Digest(Frame, frozen=True, tag="digest"):
    """Down: tell me your sums if you stand exactly here. Up: the sums, or none when not there."""

    facts: int
    decisions: int
    sums: msgspec.Raw = msgspec.Raw(b"null")


class Ping(Frame, frozen=True, tag="ping"):
    m: int
    """The sender's monotonic clock, given back as it is."""
    u: int = 0
    """Unsent facts."""
    o: int = 0
    """When the oldest of them was recorded."""
    d: int = 0
    """Last urgent decision applied."""


class Pong(Frame, frozen=True, tag="pong"):
    m: int
    t: int
    """The answering side's time, milliseconds since 1970."""
    a: int = 0
    """Facts applied; together with the ping this is what progress is judged by."""


class Renew(Frame, frozen=True, tag="renew"):
    """Down: prove again against this nonce. Up: the proof."""

    nonce: str = ""
    proof: str = ""


class Bye(Frame, frozen=True, tag="bye"):
    """Both: leaving. `shortest`/`longest`: when to come back, spread by the receiver."""

    code: str = ""
    shortest: int = 0
    longest: int = 0


AnyFrame = (
    Challenge
    | Hello
    | Compare
    | Welcome
    | Refuse
    | Reset
    | Facts
    | Ack
    | Decisions
    | Rows
    | Taken
    | Credit
    | Held
    | SnapshotPart
    | Want
    | Wanted
    | Certify
    | Certified
    | Digest
    | Ping
    | Pong
    | Renew
    | Bye
)
