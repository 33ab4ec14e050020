"""The store's end of the conversation, without a socket.

Give it each frame with an open transaction and a clock reading; commit; then send what it
returned. What has been acknowledged is held in memory and written with whatever is written
next: an acknowledgement alone costs no commit, and the next hello says it all again.
"""

from __future__ import annotations

import zlib
from base64 import b85decode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, ClassVar

import msgspec

from sync.link.clock import LinkClock, Reading
from sync.link.ending import GREETING_MS, Ending, is_the_machine, of_silence
from sync.link.logs import Applier, StoreLog, Tx
from sync.link.pacing import Window
from sync.link.proof import prove
from sync.sqlite import savepoint
from sync.wire import codec, frames
from sync.wire.chain import EMPTY, next_chain
from sync.wire.decisions import KINDS, Decision, body_of
from sync.wire.frames import BULK, FACTS, SNAPSHOT, URGENT

MOST_HELLOS = 64
STUCK_MS = 60_000
MOST_ANSWERS = 256
MOST_CONTENT_BYTES = 256 * 1024 * 1024

Key = Callable[[], str]


class StoreEnd:
    """One session at a time: `connected`, then frames, until `closing` is set or the line is lost."""

    def __init__(
        self,
        store: str,
        log: StoreLog,
        applier: Applier,
        *,
        key: str,
        new_incarnation: Callable[[], str],
        clock: LinkClock | None = None,
        host: str = "",
        software: str = "",
        protocols: tuple[int, int] = (1, 1),
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.store = store
        self.log = log
        self.applier = applier
        self.clock = clock or LinkClock()
        self.closing: Ending | None = None
        self.up = False
        """Welcomed: facts flow, and the centre's word can be waited for."""
        self.mode = ""
        self.session = 0
        self.centre = ""
        self.acked = 0
        self.prunable = 0
        self.head = 0
        self.heard_at = 0
        """When the centre was last heard, by the estimate of its own time."""
        self.held: dict[str, str] = {}
        self.at_cut = False
        self.progress = 0
        """Acknowledgements in this session: what a healthy line is judged by."""
        self._key = key
        self._new_incarnation = new_incarnation
        self._host = host
        self._software = software
        self._protocols = protocols
        self._jitter = jitter
        self._nonce = ""
        self._incarnation = ""
        self._hellos = 0
        self._sent = 0
        self._facts = Window(0)
        self._chains: dict[int, str] = {}
        self._decisions = (0, EMPTY)
        self._streams: dict[str, int] = {}
        self._heartbeat = 20_000
        self._heard_mono = 0
        self._ping_at = 0
        self._dirty: dict[str, str | int] = {}
        self._questions = 0
        self.certified: frames.Certified | None = None
        """The last answer to a request for a certificate."""
        self._answers: dict[int, int] = {}
        """Questions of this session that were answered: up to where their grants are in the urgent lane."""

    # -- what happens to a session ---------------------------------------------------------

    def connected(self, tx: Tx, now: Reading) -> list[bytes]:
        """The line is there. The centre speaks first (its challenge)."""
        self.closing, self.up, self.mode = None, False, ""
        self._nonce, self._hellos = "", 0
        self._facts.clear()
        self._chains.clear()
        self.held.clear()
        self._answers.clear()
        self.progress = 0
        self._heard_mono = now.mono
        self._ping_at = now.mono + GREETING_MS
        return []

    def disconnected(self) -> None:
        self.up = False
        self._nonce = ""
        self._facts.clear()
        self._chains.clear()

    def received(self, tx: Tx, now: Reading, data: bytes) -> list[bytes]:
        if self.closing is not None:
            return []
        try:
            frame = codec.decode(data)
        except codec.WireTrouble as trouble:
            self.closing = Ending(str(trouble))
            return []
        self._heard_mono = now.mono
        handler = self._GREETING.get(type(frame)) or (self._SESSION.get(type(frame)) if self.up else None)
        answer = handler(self, tx, now, frame) if handler else []
        if self.up:
            self.heard_at = self.clock.moment(now).now
        return [codec.encode(one) for one in answer]

    def recorded(self, tx: Tx, now: Reading) -> list[bytes]:
        """Facts may have been committed: those that fit the window, coalesced."""
        return [codec.encode(one) for one in self._facts_to_send(tx, now)]

    def ask(self, rows: Sequence[tuple[str, int]]) -> tuple[int, list[bytes]]:
        """Ask for share that a shopper waits for. The question's number (0: no line), and what to send."""
        if not self.up or self.closing is not None or self.mode != "live":
            return 0, []
        self._questions += 1
        return self._questions, [codec.encode(frames.Want(n=self._questions, rows=tuple(rows)))]

    def answered(self, question: int) -> bool:
        """The answer is here, and what it grants has been applied."""
        upto = self._answers.get(question)
        return upto is not None and (self._decisions[0] >= upto or URGENT in self.held)

    def certify(self, request: str) -> tuple[int, list[bytes]]:
        """Ask for a certificate. The request's number (0: not now), and what to send."""
        if not self.up or self.closing is not None or self.mode != "live":
            return 0, []
        self._questions += 1
        return self._questions, [codec.encode(frames.Certify(n=self._questions, request=request))]

    def tick(self, tx: Tx, now: Reading) -> list[bytes]:
        """To be called about once a second."""
        if self.closing is not None:
            return []
        quiet = now.mono - self._heard_mono
        self.closing = of_silence(quiet, greeted=self.up, heartbeat=self._heartbeat)
        if self.closing is not None or not self.up:
            return []
        since = self._facts.waiting_since()
        if since is not None and now.mono - since > STUCK_MS and self._facts.limit > 0:
            # Pongs alone are no proof of life: facts went up and nobody took them.
            self.closing = Ending("stuck")
            return []
        if now.mono < self._ping_at:
            return []
        self._ping_at = now.mono + int(self._heartbeat * (0.8 + 0.4 * self._jitter()))
        self.head = self.log.head(tx)[0]
        oldest = self.log.recorded_at(tx, self.acked + 1) if self.head > self.acked else 0
        ping = frames.Ping(m=now.mono, u=max(0, self.head - self.acked), o=oldest, d=self._decisions[0])
        return [codec.encode(ping)]

    def keep(self, tx: Tx, now: Reading) -> None:
        """Write positions that were only in memory. Called with a transaction that writes anyway."""
        if self.clock.certain:
            self._dirty["clock"] = self.clock.save()
        self.log.keep(tx, self._dirty)
        self._dirty = {}

    # -- greeting --------------------------------------------------------------------------

    def _challenge(self, tx: Tx, now: Reading, frame: frames.Challenge) -> list[frames.Frame]:
        if self._nonce:
            return []
        self._nonce = frame.nonce
        return self._hello(tx, now, ())

    def _compare(self, tx: Tx, now: Reading, frame: frames.Compare) -> list[frames.Frame]:
        return self._hello(tx, now, frame.numbers[:256]) if self._greeting else []

    def _reset(self, tx: Tx, now: Reading, frame: frames.Reset) -> list[frames.Frame]:
        if not self._greeting or frame.replica not in ("", self._incarnation):
            # A hello that a proxy sent twice is answered twice. Forking a second time would leave the
            # name under which the centre is about to take facts, and they would all be taken again.
            return []
        if self.log.chain_at(tx, frame.number) != frame.chain:
            self.closing = Ending("chain", "person")
            return []
        self.log.fork(tx, self._new_incarnation(), frame.number)
        return self._hello(tx, now, ())

    @property
    def _greeting(self) -> bool:
        return bool(self._nonce) and not self.up

    def _hello(self, tx: Tx, now: Reading, numbers: tuple[int, ...]) -> list[frames.Frame]:
        self._hellos += 1
        if self._hellos > MOST_HELLOS:
            self.closing = Ending("chain", "person")
            return []
        at = self.log.standing(tx)
        head, floor = self.log.head(tx), self.log.floor(tx)
        self._incarnation, self.head = at.incarnation, head[0]
        self.acked, self.prunable = at.acked, at.prunable
        self._decisions, self._streams = at.decisions, dict(at.streams)
        wanted = set(numbers) or {at.acked, *(head[0] - (1 << step) for step in range(20))}
        checks = []
        for number in sorted({n for n in wanted if max(floor, 1) <= n <= head[0]}):
            chain = self.log.chain_at(tx, number)
            if chain is not None:
                checks.append((number, chain))
        moment = self.clock.moment(now)
        return [
            frames.Hello(
                store=self.store,
                proof=prove(self._key, self._nonce, self.store, at.incarnation),
                incarnation=at.incarnation,
                host=self._host,
                boot=now.boot,
                lowest=self._protocols[0],
                highest=self._protocols[1],
                software=self._software,
                schema=at.schema,
                head=head,
                floor=floor,
                acked=at.acked,
                checks=tuple(checks),
                parents=at.parents[:16],
                centre=at.centre,
                decisions=(-1, "") if at.needs_snapshot else at.decisions,
                streams=self._streams,
                fence=at.fence,
                staged=self.log.staged(tx),
                unsent=head[0] - at.acked,
                oldest=self.log.recorded_at(tx, at.acked + 1) if head[0] > at.acked else 0,
                clock=moment.now,
            )
        ]

    def _refuse(self, tx: Tx, now: Reading, frame: frames.Refuse) -> list[frames.Frame]:
        self.closing = Ending(frame.code, frame.todo, frame.shortest, frame.longest)
        return []

    def _welcome(self, tx: Tx, now: Reading, frame: frames.Welcome) -> list[frames.Frame]:
        if not self._greeting or frame.replica not in ("", self._incarnation):
            return []
        self.up, self.mode, self.session = True, frame.mode, frame.session
        self._heartbeat = max(1_000, frame.heartbeat)
        self._ping_at = now.mono  # the first ping goes at once: it is what bounds the centre's time
        self._facts.limit = frame.window
        self._sent = frame.facts
        self._dirty["session"] = frame.session
        known = self.log.standing(tx)
        lasting: dict[str, str | int] = {}
        if frame.mode in ("live", "review"):
            # The centre's word also where it goes back: restored from a backup, it has less than it had.
            lowered = frame.facts < self.acked
            self.acked, self.prunable = frame.facts, frame.prunable
            (lasting if lowered else self._dirty).update(acked=self.acked, prunable=self.prunable)
        if known.centre != frame.centre:
            lasting["centre"] = frame.centre
        if not frame.streams:
            self.log.forget_streams(tx)
            self._streams = {}
        if frame.decisions == "snapshot" and not known.needs_snapshot:
            lasting["needs_snapshot"] = 1
            lasting["rights_void"] = 1  # until it has said which hold
        if lasting:
            self.log.keep(tx, lasting)
            self.keep(tx, now)
        self.centre = frame.centre
        self.at_cut = False
        return [self._first_ping(tx, now), *self._facts_to_send(tx, now)]

    def _first_ping(self, tx: Tx, now: Reading) -> frames.Frame:
        self._ping_at = now.mono + int(self._heartbeat * (0.8 + 0.4 * self._jitter()))
        return frames.Ping(m=now.mono, u=max(0, self.head - self.acked), d=self._decisions[0])

    # -- facts up --------------------------------------------------------------------------

    def _facts_to_send(self, tx: Tx, now: Reading) -> list[frames.Frame]:
        out: list[frames.Frame] = []
        self.head = self.log.head(tx)[0]
        if not self.up or self.closing is not None:
            return out
        while self._sent < self.head and self._facts.open:
            items = self.log.after(tx, self._sent, frames.MAX_BATCH_ITEMS, frames.MAX_BATCH_BYTES)
            if not items or items[0].number != self._sent + 1:
                self.closing = Ending("gap", "person")  # asked for facts that are not kept any more
                break
            last = items[-1]
            self._facts.sent(last.number, sum(len(one.raw) for one in items), now.mono)
            self._chains[last.number] = last.chain
            self._sent = last.number
            raws = tuple(msgspec.Raw(one.raw) for one in items)
            out.append(frames.Facts(n=items[0].number, i=raws, h=last.chain))
        return out

    def _ack(self, tx: Tx, now: Reading, frame: frames.Ack) -> list[frames.Frame]:
        if frame.n > self._sent:
            return []
        chain = self._chains.get(frame.n)
        if chain is not None and chain != frame.h:
            self.closing = Ending("chain", "person")
            return []
        for number in [one for one in self._chains if one <= frame.n]:
            del self._chains[number]
        self._facts.acknowledged(frame.n)
        self.progress += 1
        if not frame.e and frame.n >= self.acked:
            self.acked, self.prunable = frame.n, max(self.prunable, frame.p)
            self._dirty.update(acked=self.acked, prunable=self.prunable)
        return self._facts_to_send(tx, now)

    # -- decisions, rows and snapshots down -------------------------------------------------

    def _decisions_frame(self, tx: Tx, now: Reading, frame: frames.Decisions) -> list[frames.Frame]:
        number, chain = self._decisions
        new = frame.i[max(0, number + 1 - frame.n) :]
        if URGENT in self.held:
            return []
        if frame.n > number + 1:
            self.closing = Ending("gap")
            return []
        if not new:
            return [frames.Taken(n=number)]
        raws = [bytes(one) for one in new]
        after = chain
        for raw in raws:
            after = next_chain(after, raw)
        if after != frame.h:
            self.closing = Ending("chain")
            return []
        moment, fence, held = self.clock.moment(now), 0, None
        for raw in raws:
            held = self._apply(tx, number + 1, raw, moment)
            if held is not None:
                break
            number, chain = number + 1, next_chain(chain, raw)
            fence = max(fence, msgspec.json.decode(raw, type=Decision).fence)
        out: list[frames.Frame] = []
        if number > self._decisions[0]:
            self._decisions = (number, chain)
            self.log.set_decisions(tx, number, chain, fence)
            self.keep(tx, now)
            out.append(frames.Taken(n=number))
        if held is not None:
            self.held[URGENT] = f"urgent:{held.number}"
            out.append(held)
        self.at_cut = frame.c and held is None
        return out + self._facts_to_send(tx, now)

    def _apply(self, tx: Tx, number: int, raw: bytes, moment: Any) -> frames.Held | None:
        """Apply one decision, or say why it cannot be."""
        kind = ""
        try:
            decision = msgspec.json.decode(raw, type=Decision)
            kind = decision.kind
            if kind not in KINDS:
                return frames.Held(lane=URGENT, number=number, kind=kind, why="unknown_kind")
            body_of(decision)
            with savepoint(tx, "decision"):
                self.applier.decision(tx, number, decision, moment)
        except Exception as trouble:
            if is_the_machine(trouble, tx):
                raise
            why = f"{type(trouble).__name__}: {trouble}"[:200]
            return frames.Held(lane=URGENT, number=number, kind=kind, why=why)
        return None

    def _rows(self, tx: Tx, now: Reading, frame: frames.Rows) -> list[frames.Frame]:
        cursor = self._streams.get(frame.stream, 0)
        if frame.stream in self.held:
            return []
        if frame.to <= cursor:
            return [frames.Taken(n=frame.to, l=BULK, s=frame.stream)]
        if frame.start != cursor:
            self.closing = Ending("gap")
            return []
        try:
            rows = [{"key": one.key, "body": msgspec.json.decode(one.body)} for one in frame.rows]
            with savepoint(tx, "rows"):
                self.applier.rows(tx, frame.stream.partition(":")[0], rows, self.clock.moment(now))
        except Exception as trouble:
            if is_the_machine(trouble, tx):
                raise
            self.held[frame.stream] = f"{frame.stream}:{frame.start}"
            why = f"{type(trouble).__name__}: {trouble}"[:200]
            return [frames.Held(lane=BULK, number=frame.start, kind="rows", why=why, stream=frame.stream)]
        self._streams[frame.stream] = frame.to
        self.log.set_stream(tx, frame.stream, frame.to)
        self.keep(tx, now)
        return [frames.Taken(n=frame.to, l=BULK, s=frame.stream)]

    def _snapshot(self, tx: Tx, now: Reading, frame: frames.SnapshotPart) -> list[frames.Frame]:
        if frame.centre != self.centre or SNAPSHOT in self.held or frame.facts > self.log.head(tx)[0]:
            return []
        if not self.log.standing(tx).needs_snapshot:
            return [frames.Taken(n=frame.part, l=SNAPSHOT)]
        id, have = self.log.staged(tx)
        if id != frame.id:
            have = 0
        if frame.part > have + 1:
            self.closing = Ending("gap")
            return []
        if frame.part == have + 1:
            try:
                part = b85decode(frame.data)
            except ValueError:
                self.closing = Ending("not_a_frame")
                return []
            self.log.stage(tx, frame.id, frame.part, frame.parts, part)
        out: list[frames.Frame] = [frames.Taken(n=frame.part, l=SNAPSHOT)]
        return out if frame.part < frame.parts else out + self._swap(tx, now, frame)

    def _swap(self, tx: Tx, now: Reading, frame: frames.SnapshotPart) -> list[frames.Frame]:
        """All parts are here: check them, then replace the base and every position in this transaction."""
        try:
            content = snapshot_content(self.log.staged_content(tx), frame.id)
            with savepoint(tx, "swap"):
                self.applier.rebase(tx, content, frame.facts, self.clock.moment(now))
        except Exception as trouble:
            if is_the_machine(trouble, tx):
                raise
            self.log.unstage(tx)
            if frame.facts < self.log.head(tx)[0]:
                # Facts that this snapshot has not seen do not fit on it (rights they used were lost with a
                # centre's old days, say). The centre takes every fact: the next snapshot has seen them.
                self.closing = Ending("snapshot_again", "retry", 1_000, 5_000)
                return []
            self.held[SNAPSHOT] = f"snapshot:{frame.id}"
            why = f"{type(trouble).__name__}: {trouble}"[:200]
            return [frames.Held(lane=SNAPSHOT, number=frame.part, kind="snapshot", why=why)]
        self.log.unstage(tx)
        self._decisions = frame.decisions
        self.log.set_decisions(tx, *frame.decisions, 0)
        self.log.keep(tx, {"needs_snapshot": 0})
        self.keep(tx, now)
        self.at_cut = False
        # With how much there is still to tell: a centre that was put back waits to have heard it all.
        self.head = self.log.head(tx)[0]
        said = [frames.Taken(n=frame.decisions[0]), self._first_ping(tx, now)]
        return [*said, *self._facts_to_send(tx, now)]

    # -- the rest --------------------------------------------------------------------------

    def _wanted(self, tx: Tx, now: Reading, frame: frames.Wanted) -> list[frames.Frame]:
        self._answers[frame.n] = frame.u
        if len(self._answers) > MOST_ANSWERS:
            del self._answers[min(self._answers)]
        return []

    def _certified(self, tx: Tx, now: Reading, frame: frames.Certified) -> list[frames.Frame]:
        self.certified = frame
        return []

    def _digest(self, tx: Tx, now: Reading, frame: frames.Digest) -> list[frames.Frame]:
        at = self.log.standing(tx)
        here = (self.log.head(tx)[0], at.decisions[0])
        if here != (frame.facts, frame.decisions) or at.needs_snapshot:
            return [frames.Digest(facts=here[0], decisions=here[1])]
        sums = msgspec.Raw(msgspec.json.encode(self.applier.digest(tx), order="sorted"))
        return [frames.Digest(facts=here[0], decisions=here[1], sums=sums)]

    def _pong(self, tx: Tx, now: Reading, frame: frames.Pong) -> list[frames.Frame]:
        if 0 <= now.mono - frame.m <= 3 * self._heartbeat:
            self.clock.heard(frame.m, now, frame.t)
        return []

    def _ping(self, tx: Tx, now: Reading, frame: frames.Ping) -> list[frames.Frame]:
        return [frames.Pong(m=frame.m, t=self.clock.moment(now).now)]

    def _credit(self, tx: Tx, now: Reading, frame: frames.Credit) -> list[frames.Frame]:
        if frame.lane == FACTS:
            self._facts.limit = max(0, frame.bytes)
        return self._facts_to_send(tx, now)

    def _renew(self, tx: Tx, now: Reading, frame: frames.Renew) -> list[frames.Frame]:
        return [frames.Renew(proof=prove(self._key, frame.nonce, self.store, self._incarnation))]

    def _bye(self, tx: Tx, now: Reading, frame: frames.Bye) -> list[frames.Frame]:
        self.closing = Ending(frame.code or "drain", "retry", frame.shortest, frame.longest)
        return []

    _GREETING: ClassVar[dict[type, Any]] = {
        frames.Challenge: _challenge,
        frames.Compare: _compare,
        frames.Reset: _reset,
        frames.Refuse: _refuse,
        frames.Welcome: _welcome,
        frames.Bye: _bye,
    }
    _SESSION: ClassVar[dict[type, Any]] = {
        frames.Ack: _ack,
        frames.Decisions: _decisions_frame,
        frames.Rows: _rows,
        frames.SnapshotPart: _snapshot,
        frames.Digest: _digest,
        frames.Wanted: _wanted,
        frames.Certified: _certified,
        frames.Pong: _pong,
        frames.Ping: _ping,
        frames.Credit: _credit,
        frames.Renew: _renew,
    }


def snapshot_content(staged: bytes, id: str) -> bytes:
    """The content of staged parts; raises ValueError when it is not what was announced."""
    if blake2b(staged, digest_size=16).hexdigest() != id:
        raise ValueError("checksum")
    opener = zlib.decompressobj(-15)
    content = opener.decompress(staged, MOST_CONTENT_BYTES)
    if not opener.eof:
        raise ValueError("size")
    return content
