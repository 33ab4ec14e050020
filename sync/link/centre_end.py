"""The centre's end of the conversation with one store, without a socket.

`greeting` decides who is there and from where the logs go on; here is the session after
that. Every frame that writes is handled in the caller's transaction, which also checks
that this session is still the store's newest; what is returned is sent after the commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec

from sync.link.clock import Reading
from sync.link.ending import Ending, is_the_machine, of_silence
from sync.link.logs import CentreLog, Tx
from sync.link.pacing import AdaptiveWindow, Window
from sync.link.proof import proven
from sync.link.shelf import Packed, SnapshotShelf, pack
from sync.sqlite import savepoint
from sync.wire import codec, frames
from sync.wire.chain import EMPTY, next_chain
from sync.wire.facts import Fact
from sync.wire.frames import BULK, SNAPSHOT, URGENT, Check

STUCK_MS = 60_000
PERSIST_MS = 45_000
ROWS_AT_ONCE = 100
ROWS_BYTES = 24 * 1024
DOUBTFUL, VOIDED = "doubtful", "voided"
"""Notes on a replica that took another one's place: the rights of that one have to end, or have ended."""
MOST_WANTED = 100
"""Rows of one till's question that are looked at."""


class Verdict(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def case(self) -> str: ...


@dataclass(frozen=True)
class Domain:
    """What the link calls in the rest of the centre."""

    apply_fact: Callable[[Any, str, str, int, Fact, int], Verdict]
    """(tx, store, incarnation, number, fact, now)"""
    snapshot: Callable[[Any, str], bytes]
    digest: Callable[[Any, str], Any]
    new_id: Callable[[], str]
    nonce: Callable[[], str]
    want: Callable[[Any, str, list[tuple[str, int]], int], int] = lambda tx, store, rows, now: 0
    """(tx, store, rows of SKU and units, now): rows granted to the store's share."""
    void: Callable[[Any, str, int], None] = lambda tx, store, now: None
    """(tx, store, now): facts of an older incarnation are lost, so its rights end until they are counted."""
    certify: Callable[[str, str, int], tuple[str, str, str]] = lambda store, request, now: (
        "",
        "",
        "no_authority",
    )
    """(store, request, now): chain and root of a certificate for the store's pages, or why there is none."""


@dataclass(frozen=True)
class Manners:
    """Figures of the conversation."""

    heartbeat: int = 20_000
    facts_window: int = 512 * 1024
    urgent_window: int = 256 * 1024
    protocols: tuple[int, int] = (1, 1)
    bulk_from: int = 1
    """The oldest protocol that still gets bulk streams; older ones are told to upgrade."""
    digest_every: int = 300_000
    recheck_every: int = 60_000
    looks_apart: bool = False
    """Snapshots and rows are read by `woken` on a reading connection only, so that a store with 50,000
    SKUs never stands in the writer's way. The caller calls `woken` after each frame then."""


class CentreEnd:
    def __init__(
        self,
        log_of: Callable[[str], CentreLog],
        domain: Domain,
        shelf: SnapshotShelf,
        manners: Manners | None = None,
    ) -> None:
        self.manners = manners or Manners()
        self.domain = domain
        self.shelf = shelf
        self.log_of = log_of
        self.closing: Ending | None = None
        self.up = False
        self.store = ""
        self.session = 0
        self.mode = ""
        self.incarnation = ""
        self.nonce = ""
        self.key = ""
        self.hellos = 0
        self.checks: dict[int, str] = {}
        self.label = ""
        """The incarnation under which facts are kept; with a mark when they are evidence only."""
        self.applied: Check = (0, EMPTY)
        self.facts_first = 0
        """A snapshot waits until facts up to here are in: facts first, then what follows from them."""
        self.doubtful = False
        """Facts of an older incarnation are lost: once what is there has come in, its rights end."""
        self.down = "none"
        self.bulk = False
        self.staged: tuple[str, int] = ("", 0)
        self.cursors: dict[str, int] = {}
        self.prunable = 0
        self.sent = 0
        self.taken = 0
        self._log: CentreLog | None = None
        self._urgent = Window(self.manners.urgent_window)
        self._bulk = AdaptiveWindow()
        self._bulk_sent = 0
        self._bulk_marks: dict[tuple[str, str, int], int] = {}
        self._stream_sent: dict[str, int] = {}
        self._held: set[str] = set()
        self._packed: Packed | None = None
        self._part = 0
        self._heard_mono = 0
        self._heard_wall = 0
        """When the store last said how much it has still to tell. A frame that a proxy repeats is no news."""
        self._pinged = -1
        self._unsent = 0
        self._oldest = 0
        self._persist_at = 0
        self._digest_at = 0
        self._recheck_at = 0
        self._renewing = False
        self.centre = ""
        """Under which name this centre spoke when the session began."""
        self._all_told: int | None = None
        """The fact with which the store has told all that it did before it took what this centre says."""
        self._heard_out = False
        self._waits_for = ""
        """The kind of case that a person has to close before this store goes on as usual."""

    @property
    def log(self) -> CentreLog:
        assert self._log is not None, "before a hello there is no store to have a log"
        return self._log

    # -- what happens to a session ---------------------------------------------------------

    def connected(self, tx: Tx | None, now: Reading) -> list[bytes]:
        """A socket was accepted: the first frame is ours."""
        self.nonce = self.domain.nonce()
        self._heard_mono = now.mono
        return [codec.encode(frames.Challenge(nonce=self.nonce))]

    @staticmethod
    def needs_no_transaction(data: bytes) -> bool:
        """Frames that are answered from memory; the caller may pass `tx=None` for these."""
        return data[:13] in (b'{"f":"taken",', b'{"f":"ping","') or data[:11] == b'{"f":"pong"'

    def received(self, tx: Tx | None, now: Reading, data: bytes) -> list[bytes]:
        """Handle a frame; what to send after the commit."""
        if self.closing is not None:
            return []
        try:
            frame = codec.decode(data)
        except codec.WireTrouble as trouble:
            self.closing = Ending(str(trouble))
            return []
        self._heard_mono = now.mono
        answer: list[frames.Frame] = []
        if isinstance(frame, frames.Hello):
            if not self.up:
                assert tx is not None
                from sync.link.greeting import greet  # the two halves of one end

                answer = greet(self, tx, now, frame)
        elif self.up:
            handler = self._SESSION.get(type(frame))
            if handler is not None:
                answer = handler(self, tx, now, frame)
        out = [codec.encode(one) for one in answer]
        if tx is None or not self.up:
            return out
        if self.doubtful and isinstance(frame, frames.Hello | frames.Facts):
            self._end_rights(tx, now)
        self._hear_out(tx, now)
        # What a fact brought about goes down with its acknowledgement.
        return out + (self._urgent_frames(tx, now) if self.manners.looks_apart else self.woken(tx, now))

    def welcomed(self, log: CentreLog, now: Reading) -> None:
        """The greeting is over: from here on frames of the session are taken."""
        self._log, self.up = log, True
        self._waits_for = "other_bytes" if self.mode == "held" else ""
        # Whose decisions are all ours knows of nothing that this centre does not know.
        self._all_told = self.facts_first if self.down == "resume" else None
        self._stream_sent = dict(self.cursors)
        self._heard_wall = now.wall
        self._persist_at = now.mono + PERSIST_MS
        self._digest_at = now.mono + self.manners.digest_every
        self._recheck_at = now.mono + self.manners.recheck_every

    def tell_backlog(self, unsent: int, oldest: int) -> None:
        self._unsent, self._oldest = unsent, oldest

    def woken(self, tx: Tx, now: Reading) -> list[bytes]:
        """New decisions or rows may have been committed. Reads only."""
        if not self.up or self.closing is not None:
            return []
        out = self._urgent_frames(tx, now)
        out += self._snapshot_frames(tx, now)
        if self.down == "resume" and self._urgent_drained(tx):
            out += self._rows_frames(tx, now)
        return out

    def tick(self, tx: Tx, now: Reading) -> list[bytes]:
        """To be called every few seconds, with a transaction that may write."""
        if self.closing is not None:
            return []
        quiet = now.mono - self._heard_mono
        self.closing = of_silence(quiet, greeted=self.up, heartbeat=self.manners.heartbeat)
        if self.closing is not None or not self.up:
            return []
        for window in (self._urgent, self._bulk):
            since = window.waiting_since()
            if since is not None and now.mono - since > STUCK_MS and not self._held:
                self.closing = Ending("stuck")
                return []
        self._hear_out(tx, now)
        out: list[frames.Frame] = []
        if now.mono >= self._persist_at:
            self._persist_at = now.mono + PERSIST_MS
            if not self._still_mine(tx):
                return []
            self.log.note_heard(tx, self._heard_wall, self._unsent, self._oldest, self.taken)
        if now.mono >= self._recheck_at:
            out += self._recheck(tx, now)
        if now.mono >= self._digest_at:
            out += self._ask_digest(tx, now)
        return [codec.encode(one) for one in out] + ([] if self.manners.looks_apart else self.woken(tx, now))

    def disconnected(self, tx: Tx, now: Reading) -> None:
        self.shelf.leave(self.store)
        if self.up:
            self.log.close_session(tx, self.session, now.wall)
        self.up = False

    def _still_mine(self, tx: Tx) -> bool:
        """Two sessions of one store never both write."""
        if self.log.session(tx).number == self.session:
            return True
        self.closing = Ending("superseded")
        return False

    # -- facts up --------------------------------------------------------------------------

    def _facts(self, tx: Tx, now: Reading, frame: frames.Facts) -> list[frames.Frame]:
        if not self._still_mine(tx):
            return []
        number, chain = self.applied
        if frame.n > number + 1:
            self.closing = Ending("gap")
            return []
        raws = [bytes(one) for one in frame.i]
        before = self.log.chain_at(tx, self.label, frame.n - 1)
        after = before or ""
        chains = []
        for raw in raws:
            after = next_chain(after, raw)
            chains.append(after)
        again = min(len(raws), number + 1 - frame.n)
        if before is None or after != frame.h:
            self.closing = Ending("chain")
            return []
        if again and chains[again - 1] != self.log.chain_at(tx, self.label, frame.n + again - 1):
            # A number that was taken, with other contents: never a repeat to drop.
            self._hold(tx, frame.n, now)
            return []
        for raw, chain in zip(raws[again:], chains[again:], strict=True):
            number += 1
            self._one_fact(tx, number, raw, chain, now.wall)
        if number > self.applied[0]:
            self.applied = (number, chains[-1])
            self.log.advance(tx, self.label, number, chains[-1])
            self._unsent = max(0, self._unsent - len(raws))
            self._heard_wall = now.wall
            self.log.note_heard(tx, now.wall, self._unsent, self._oldest, self.taken)
            self._persist_at = now.mono + PERSIST_MS
        return [frames.Ack(n=self.applied[0], h=self.applied[1], p=self.prunable, e=self.mode == "held")]

    def _one_fact(self, tx: Tx, number: int, raw: bytes, chain: str, now: int) -> None:
        """Effect, verdict and row of one fact. A fact that cannot be handled is parked; the log goes on."""
        fact: Fact | None = None
        name, note, case = "parked", "", ""
        try:
            fact = msgspec.json.decode(raw, type=Fact)
            if self.mode == "live":
                with savepoint(tx, "fact"):
                    verdict = self.domain.apply_fact(tx, self.store, self.incarnation, number, fact, now)
                name, note, case = verdict.name, verdict.note, verdict.case
            else:
                note = "other_bytes" if self.mode == "held" else "revoked"
        except Exception as trouble:
            if is_the_machine(trouble, tx):
                raise
            note = "unreadable" if fact is None else f"{type(trouble).__name__}: {trouble}"[:200]
        if name == "parked" and not case and self.mode == "live":
            kind = fact.kind if fact else ""
            case = self.log.trouble(
                tx, "parked_fact", {"kind": kind, "reason": note}, [(self.label, number, kind)], now
            )
        self.log.take(tx, self.label, number, raw, chain, fact, name, note, now)
        if name != "applied" and self.mode == "live":
            self.log.tell_verdict(tx, number, fact, name, note, case, now)

    def _hold(self, tx: Tx, number: int, now: Reading) -> None:
        self.log.set_state(tx, self.incarnation, "held", f"other bytes at {number}")
        self.log.trouble(tx, "other_bytes", {"number": number}, [(self.label, number, "")], now.wall)
        wait = 1_000 if self.mode == "live" else 60_000
        self.closing = Ending("held", "person", wait, 5 * wait)

    def _end_rights(self, tx: Tx, now: Reading) -> None:
        """Facts first: what the replica still tells of used the old rights. What is left of them ends."""
        if self.mode == "live" and self.applied[0] >= self.facts_first and self._still_mine(tx):
            self.domain.void(tx, self.store, now.wall)
            self.log.set_state(tx, self.incarnation, "live", VOIDED)
            self.doubtful = False

    def _hear_out(self, tx: Tx, now: Reading) -> None:
        """Once per session: from here on the store does nothing by what another centre has told it."""
        if self._heard_out or self.mode != "live" or self.down != "resume" or self._all_told is None:
            return
        if SNAPSHOT in self._held:
            return  # it could not be taken in: the store still works by what it was told before
        if self.applied[0] >= self._all_told and self._still_mine(tx):
            self.log.heard_out(tx, now.wall)
            self._heard_out = True

    # -- decisions, snapshots and rows down ---------------------------------------------------

    def _urgent_frames(self, tx: Tx, now: Reading) -> list[bytes]:
        out: list[bytes] = []
        if self.down != "resume" or URGENT in self._held:
            return out
        while self._urgent.open:
            items = self.log.decisions.after(tx, self.sent, frames.MAX_BATCH_ITEMS, frames.MAX_BATCH_BYTES)
            if not items:
                break
            if items[0].number != self.sent + 1:  # forgotten while this session ran
                self.closing = Ending("gap")
                break
            last = items[-1]
            newest = self.log.decisions.head(tx)[0] == last.number
            frame = codec.encode(
                frames.Decisions(
                    n=items[0].number,
                    i=tuple(msgspec.Raw(one.raw) for one in items),
                    h=last.chain,
                    s=self.applied[0],
                    c=newest,
                )
            )
            self._urgent.sent(last.number, len(frame), now.mono)
            self.sent = last.number
            out.append(frame)
            if newest:
                break
        return out

    def _urgent_drained(self, tx: Tx) -> bool:
        return URGENT in self._held or self.sent >= self.log.decisions.head(tx)[0]

    def _snapshot_frames(self, tx: Tx, now: Reading) -> list[bytes]:
        out: list[bytes] = []
        if self.down != "snapshot" or SNAPSHOT in self._held or self.applied[0] < self.facts_first:
            return out
        if self.doubtful:
            return out  # the snapshot is to show rights that are void as void
        if self._packed is None and not self._choose_snapshot(tx):
            return out
        packed = self._packed
        assert packed is not None
        while self._part < packed.parts and self._bulk.open:
            self._part += 1
            out.append(self._bulk_frame(packed.part(self._part), (SNAPSHOT, "", self._part), now))
        return out

    def _choose_snapshot(self, tx: Tx) -> bool:
        if not self.shelf.admit(self.store):
            return False
        centre = self.log.incarnation(tx)
        staged = self.shelf.find(self.store, self.staged[0])
        same = staged is not None and (staged.centre, staged.incarnation) == (centre, self.incarnation)
        if staged is not None and same and staged.decisions[0] >= self.log.decisions.floor(tx):
            # The tail after its cut is still there, so what the store has staged is not wasted.
            self._packed, self._part = staged, min(self.staged[1], staged.parts - 1)
            return True
        head = self.log.decisions.head(tx)
        self._packed = pack(
            self.domain.snapshot(tx, self.store),
            centre=centre,
            incarnation=self.incarnation,
            decisions=head,
            facts=self.applied[0],
        )
        self._part = 0
        self.shelf.put(self.store, self._packed)
        return True

    def _rows_frames(self, tx: Tx, now: Reading) -> list[bytes]:
        out: list[bytes] = []
        if not self.bulk:
            return out
        for stream in self.log.streams(tx):
            while stream not in self._held and self._bulk.open:
                start = self._stream_sent.get(stream, 0)
                rows = self.log.rows_after(tx, stream, start, ROWS_AT_ONCE, ROWS_BYTES)
                if not rows:
                    break
                to = rows[-1][0]
                packed = tuple(frames.Row(key, msgspec.Raw(body)) for _, key, body in rows)
                frame = frames.Rows(stream=stream, start=start, to=to, rows=packed)
                out.append(self._bulk_frame(frame, (BULK, stream, to), now))
                self._stream_sent[stream] = to
        return out

    def _bulk_frame(self, frame: frames.Frame, mark: tuple[str, str, int], now: Reading) -> bytes:
        data = codec.encode(frame)
        self._bulk_sent += 1
        self._bulk_marks[mark] = self._bulk_sent
        self._bulk.sent(self._bulk_sent, len(data), now.mono)
        return data

    def _taken(self, tx: Tx | None, now: Reading, frame: frames.Taken) -> list[frames.Frame]:
        if frame.l == URGENT:
            self.taken = max(self.taken, frame.n)
            self._urgent.acknowledged(frame.n)
            return []
        mark = self._bulk_marks.pop((frame.l, frame.s, frame.n), None)
        if mark is not None:
            self._bulk.answered(mark, now.mono)
        if frame.l == SNAPSHOT and self._packed is not None and frame.n >= self._packed.parts:
            # Swapped in: the tail after the cut follows.
            self.sent, self.down = self._packed.decisions[0], "resume"
            self.shelf.done(self.store)
            self._packed = None
        return []

    def _held_lane(self, tx: Tx, now: Reading, frame: frames.Held) -> list[frames.Frame]:
        """The store cannot apply an item. That lane stops until another version or a person helps."""
        if not self._still_mine(tx):
            return []
        lane = frame.stream or frame.lane
        self._held.add(lane)
        self._urgent.acknowledged(self.sent) if frame.lane == URGENT else self._bulk.clear()
        if frame.lane == SNAPSHOT:
            self.shelf.done(self.store)
        params = {"lane": lane, "number": frame.number, "kind": frame.kind, "reason": frame.why}
        self.log.trouble(tx, "held_lane", params, [], now.wall)
        return []

    # -- the rest --------------------------------------------------------------------------

    def _ping(self, tx: Tx | None, now: Reading, frame: frames.Ping) -> list[frames.Frame]:
        if frame.m > self._pinged:
            self._pinged, self._heard_wall = frame.m, now.wall
            self._unsent, self._oldest = frame.u, frame.o
            if self.down == "resume":  # a snapshot is in: what was done before it is among these
                told = self.applied[0] + frame.u
                self._all_told = told if self._all_told is None else min(self._all_told, told)
        return [frames.Pong(m=frame.m, t=now.wall, a=self.applied[0])]

    def _credit(self, tx: Tx | None, now: Reading, frame: frames.Credit) -> list[frames.Frame]:
        window = {URGENT: self._urgent, BULK: self._bulk}.get(frame.lane)
        if window is not None:
            window.limit = max(0, frame.bytes)
        return []

    def _ask_digest(self, tx: Tx, now: Reading) -> list[frames.Frame]:
        self._digest_at = now.mono + self.manners.digest_every
        head = self.log.decisions.head(tx)[0]
        if self.mode != "live" or self.down != "resume" or self.taken < head or self._unsent:
            return []
        return [frames.Digest(facts=self.applied[0], decisions=head)]

    def _digest(self, tx: Tx, now: Reading, frame: frames.Digest) -> list[frames.Frame]:
        """Compare only where both stand at the same cut; anything else says nothing."""
        if not self._still_mine(tx):
            return []  # an older connection's answer speaks of a cut that has long been passed
        theirs = msgspec.json.decode(frame.sums)
        here = (self.applied[0], self.log.decisions.head(tx)[0])
        if theirs is None or (frame.facts, frame.decisions) != here:
            return []
        ours = msgspec.json.decode(msgspec.json.encode(self.domain.digest(tx, self.store), order="sorted"))
        if ours != theirs:
            params = {"bucket": _difference(ours, theirs), "facts": here[0], "decisions": here[1]}
            self.log.trouble(tx, "digest", params, [], now.wall)
            self.log.set_state(tx, self.incarnation, "live", "digest")
            self._waits_for = "digest"
        return []

    def _recheck(self, tx: Tx, now: Reading) -> list[frames.Frame]:
        """A credential is not only good at the handshake."""
        self._recheck_at = now.mono + self.manners.recheck_every
        if self.log.incarnation(tx) != self.centre:
            # Another store has shown that this centre was put back: what this one knows is compared as well.
            self.closing = Ending("renamed", "retry", 100, 10_000)
            return []
        if self._waits_for and self.log.settled(tx, self._waits_for):
            # A person has decided: say hello again, and go on from there.
            self.closing = Ending("settled", "retry", 100, 1_000)
            return []
        known = self.log.key(tx)
        if self.mode == "review" or known == (self.key, True):
            return []
        if known is None or not known[1] or self._renewing:
            # Revoked, or the node does not know its new token: the queue is kept there, nothing is lost.
            self.closing = Ending("authenticate", "authenticate", 1_000, 10_000)
            return []
        self._renewing = True
        self.nonce = self.domain.nonce()
        return [frames.Renew(nonce=self.nonce)]

    def _renew(self, tx: Tx, now: Reading, frame: frames.Renew) -> list[frames.Frame]:
        known = self.log.key(tx)
        if known is None or not proven(frame.proof, known[0], self.nonce, self.store, self.incarnation):
            self.closing = Ending("authenticate", "authenticate", 60_000, 300_000)
        else:
            self.key, self._renewing = known[0], False
        return []

    def _bye(self, tx: Tx | None, now: Reading, frame: frames.Bye) -> list[frames.Frame]:
        self.closing = Ending(frame.code or "bye")
        return []

    def _want(self, tx: Tx, now: Reading, frame: frames.Want) -> list[frames.Frame]:
        """A till waits for this. Facts come first: what it sold is known before more is granted."""
        granted = 0
        if self.mode == "live" and self.down == "resume" and URGENT not in self._held:
            if not self._still_mine(tx):
                return []
            rows = [(sku, qty) for sku, qty in frame.rows[:MOST_WANTED] if qty > 0]
            granted = self.domain.want(tx, self.store, rows, now.wall)
        return [frames.Wanted(n=frame.n, u=self.log.decisions.head(tx)[0], g=granted)]

    def _certify(self, tx: Tx, now: Reading, frame: frames.Certify) -> list[frames.Frame]:
        """Only the store's one live replica gets a certificate: who is there was proven in the greeting."""
        if self.mode != "live":
            return [frames.Certified(n=frame.n, why="not_live")]
        if not self._still_mine(tx):
            return []
        chain, root, why = self.domain.certify(self.store, frame.request, now.wall)
        return [frames.Certified(n=frame.n, chain=chain, root=root, why=why)]

    _SESSION: ClassVar[dict[type, Any]] = {
        frames.Facts: _facts,
        frames.Want: _want,
        frames.Certify: _certify,
        frames.Taken: _taken,
        frames.Held: _held_lane,
        frames.Ping: _ping,
        frames.Credit: _credit,
        frames.Digest: _digest,
        frames.Renew: _renew,
        frames.Bye: _bye,
    }


def _difference(ours: Any, theirs: Any) -> str:
    """The first bucket in which two digests differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if ours.get(key) != theirs.get(key):
                return str(key)
    return ""
