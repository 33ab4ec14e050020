"""Who is there, and from where do the logs go on: how the centre answers a hello.

Every case of identity and time travel is decided here, before any frame of a session is
taken: wrong credentials, a second box, a database that is an older copy, two logs that
part, a replaced box, and a centre that finds out from a store that it is itself a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync.link.centre_end import DOUBTFUL, VOIDED
from sync.link.clock import Reading
from sync.link.ending import Ending
from sync.link.logs import CentreLog, KnownReplica, Tx
from sync.link.proof import proven
from sync.link.relate import Relation, relate
from sync.wire import frames
from sync.wire.chain import EMPTY

if TYPE_CHECKING:
    from sync.link.centre_end import CentreEnd

MOST_HELLOS = 64
STILL_THERE_MS = 120_000
"""A session that was heard within this time is taken to be alive when another box comes."""
EVIDENCE = 200
DIFFERS = "digest"
"""Note on a replica whose digest differed: once a person has closed the case, it starts from a snapshot."""
Answer = list[frames.Frame]


def greet(end: CentreEnd, tx: Tx, now: Reading, hello: frames.Hello) -> Answer:
    """The answer to a hello: compare, reset, welcome or refuse. Sets `end.closing` with a refusal."""
    end.hellos += 1
    if end.hellos > MOST_HELLOS:
        return _refuse(end, "chain", "person", 60_000, 600_000)
    lowest, highest = end.manners.protocols
    if hello.highest < lowest or hello.lowest > highest:
        return _refuse(end, "protocol", "upgrade", 600_000, 3_600_000)
    log = end.log_of(hello.store)
    key = log.key(tx)
    if key is None or not proven(hello.proof, key[0], end.nonce, hello.store, hello.incarnation):
        return _refuse(end, "authenticate", "authenticate", 60_000, 300_000)
    if not hello.incarnation or "!" in hello.incarnation:
        return _refuse(end, "authenticate", "person", 60_000, 300_000)
    end.store, end.incarnation, end.key = hello.store, hello.incarnation, key[0]
    if _another_box_is_there(tx, log, now, hello):
        log.trouble(tx, "two_replicas", {"host": hello.host}, [], now.wall)
        return _refuse(end, "two_replicas", "person", 30_000, 120_000)
    end.checks.update({number: chain for number, chain in hello.checks if number > 0})
    if hello.head[0] > 0:
        end.checks[hello.head[0]] = hello.head[1]
    _notice_own_restore(end, tx, log, now, hello)
    log.raise_fence(tx, hello.fence, now.wall)
    known = log.replica(tx, hello.incarnation)
    if known is None:
        known_or_answer = _register(end, tx, log, now, hello)
        if isinstance(known_or_answer, list):
            return known_or_answer
        return _welcome(end, tx, log, now, hello, known_or_answer, review=not key[1])
    if known.state == "closed":
        live = log.live(tx)
        if live is not None and live.host != hello.host:
            log.trouble(tx, "two_replicas", {"host": hello.host}, [], now.wall)
            return _refuse(end, "two_replicas", "person", 60_000, 600_000)
        return _reset(end, tx, log, now, hello, known)
    if known.state == "released" or (known.state == "held" and log.settled(tx, "other_bytes")):
        # A person has looked at both tails: it goes on, and what only it has is applied.
        return _reset(end, tx, log, now, hello, known)
    relation = _relation(tx, log, hello, end.checks, known)
    if relation.kind == "ask":
        return [frames.Compare(numbers=relation.ask)]
    if relation.kind == "behind":
        return _reset(end, tx, log, now, hello, known)
    if relation.kind in ("parted", "missing"):
        return _hold(end, tx, log, now, hello, known, relation)
    if known.state == "held":
        return _hold(end, tx, log, now, hello, known, relation)
    if known.note == DIFFERS and log.settled(tx, "digest"):
        log.set_state(tx, known.incarnation, known.state, "")
        end.down = "snapshot"
    end.doubtful = known.note == DOUBTFUL
    if end.doubtful or (known.note == VOIDED and hello.decisions[0] == 0):
        # An empty box whose welcome was lost: the decisions alone would not make the state of its store.
        end.down = "snapshot"
    return _welcome(end, tx, log, now, hello, known, review=not key[1])


def _refuse(end: CentreEnd, code: str, todo: str, shortest: int, longest: int) -> Answer:
    end.closing = Ending(code, todo, shortest, longest)
    return [frames.Refuse(code=code, todo=todo, shortest=shortest, longest=longest)]


def _another_box_is_there(tx: Tx, log: CentreLog, now: Reading, hello: frames.Hello) -> bool:
    """Two live replicas of one store: the second is refused. The same box coming again is not a second."""
    at = log.session(tx)
    if not at.open or now.wall - at.heard_at > STILL_THERE_MS:
        return False
    return at.host != hello.host


def _notice_own_restore(end: CentreEnd, tx: Tx, log: CentreLog, now: Reading, hello: frames.Hello) -> None:
    """A store that was told of things this database does not hold, under this database's own name:
    then this database is a copy that was put back. It takes a new name."""
    if hello.centre != log.incarnation(tx):
        return
    number, chain = hello.decisions
    head = log.decisions.head(tx)[0]
    mine = log.decisions.chain_at(tx, number) if number > 0 else None
    lost = number > head or (mine is not None and mine != chain)
    lost = lost or max(hello.streams.values(), default=0) > log.last_row(tx)
    known = log.replica(tx, hello.incarnation)
    if known is not None:
        lost = lost or hello.acked > known.applied
    elif hello.parents:
        parent, fork = hello.parents[0]
        older = log.replica(tx, parent)
        unheard = older is None or older.applied < fork
        lost = lost or hello.acked > fork
        lost = lost or (unheard and not log.holder(tx, fork, end.checks.get(fork, "")))
    else:
        lost = lost or hello.acked > 0
    if lost:
        log.new_incarnation(tx, end.domain.new_id(), now.wall)
        log.trouble(tx, "centre_restored", {"acked": hello.acked}, [], now.wall)


def _relation(
    tx: Tx, log: CentreLog, hello: frames.Hello, checks: dict[int, str], known: KnownReplica
) -> Relation:
    return relate(
        head=hello.head[0],
        floor=hello.floor,
        checks=checks,
        applied=known.applied,
        chain_at=lambda number: log.chain_at(tx, known.incarnation, number),
    )


def _reset(
    end: CentreEnd, tx: Tx, log: CentreLog, now: Reading, hello: frames.Hello, known: KnownReplica
) -> Answer:
    """An older copy: find the last number that both have, and let it go on from there under a new name.

    What other copies of the same record have told counts too, or a fact that waited when copies were made
    would be taken once for each copy that is put back.
    """
    relation = _common(tx, log, hello, end.checks)
    if relation.kind == "ask":
        return [frames.Compare(numbers=relation.ask)]
    common = relation.common
    if common < hello.floor:
        if known.state != "released":
            return _hold(end, tx, log, now, hello, known, Relation("missing", common))
        # A person knows that facts are lost for good: it goes on from the first that it still has.
        common = hello.floor
        if common not in end.checks:
            return [frames.Compare(numbers=(common,))]
    return [frames.Reset(number=common, chain=end.checks.get(common, EMPTY), replica=hello.incarnation)]


def _common(tx: Tx, log: CentreLog, hello: frames.Hello, checks: dict[int, str]) -> Relation:
    """Up to where a store's record is what was taken here, under whatever name: a chain at a number says
    which facts led to it."""

    def chain_at(number: int) -> str | None:
        told = checks.get(number, EMPTY)
        return told if number == 0 or log.holder(tx, number, told) else None

    head = hello.head[0]
    return relate(head=head, floor=hello.floor, checks=checks, applied=head, chain_at=chain_at)


def _register(
    end: CentreEnd, tx: Tx, log: CentreLog, now: Reading, hello: frames.Hello
) -> KnownReplica | Answer:
    """A name that was never heard: a new box, or one that goes on from an older incarnation."""
    for name, fork in hello.parents:
        known = None if "!" in name else log.replica(tx, name)
        if known is not None:
            return _continue(end, tx, log, now, hello, known, fork)
    fresh = KnownReplica(hello.incarnation, "live", hello.host, 0, EMPTY, 0, "", 0)
    if hello.floor > 0:
        # Nothing older is known here and the store has forgotten its beginning.
        log.add_replica(tx, fresh, now.wall)
        return _hold(end, tx, log, now, hello, fresh, Relation("missing"))
    live = log.live(tx)
    log.add_replica(tx, fresh, now.wall)
    if live is not None:
        log.set_state(tx, live.incarnation, "closed", "replaced")
        params = {"old": live.incarnation, "applied": live.applied, **_last_heard(tx, log)}
        log.trouble(tx, "replica_replaced", params, [], now.wall)
        _doubt(end, tx, log, fresh)
        end.down = "snapshot"
    return fresh


def _continue(
    end: CentreEnd, tx: Tx, log: CentreLog, now: Reading, hello: frames.Hello, known: KnownReplica, fork: int
) -> KnownReplica | Answer:
    """A new name for a record whose beginning was taken from `known`, or from another copy of it."""
    relation = _common(tx, log, hello, end.checks)
    if relation.kind == "ask":
        return [frames.Compare(numbers=relation.ask)]
    base = relation.common
    missing = max(0, hello.floor - base)
    if missing:
        if known.state != "released" or hello.floor not in end.checks:
            return _hold(end, tx, log, now, hello, known, Relation("missing", base))
        base = hello.floor
    elif base < min(fork, known.applied):
        log.trouble(tx, "other_bytes", {"number": base + 1}, [(known.incarnation, base + 1, "")], now.wall)
        return _refuse(end, "held", "person", 60_000, 600_000)
    chain = end.checks.get(base, EMPTY)
    older = log.replica(tx, log.holder(tx, base, chain)) or known
    forked = KnownReplica(
        hello.incarnation,
        "live",
        hello.host,
        base,
        chain,
        min(older.backed_up, base),
        "" if missing else older.incarnation,
        base,
        beginning=chain if missing else "",
    )
    live = log.live(tx)
    replaced = live if live is not None and live.incarnation != older.incarnation else None
    lost = max(0, older.applied - base) + (replaced.applied - replaced.fork if replaced is not None else 0)
    if missing:
        gone = {"from": base - missing + 1, "upto": base, "count": missing}
        log.trouble(tx, "facts_lost", gone, [], now.wall)
    elif lost > 0:
        # Facts that the copy does not know: their effects come with the snapshot, but the goods they
        # speak of are where they are. A person looks.
        upto = min(older.applied, base + EVIDENCE)
        evidence = [(older.incarnation, number, "") for number in range(base + 1, upto + 1)]
        if replaced is not None:
            upto = min(replaced.applied, replaced.fork + EVIDENCE)
            evidence += [(replaced.incarnation, number, "") for number in range(replaced.fork + 1, upto + 1)]
        params = {"from": base + 1, "upto": older.applied, "count": lost, "old": older.incarnation}
        log.trouble(tx, "restored_copy", params | _last_heard(tx, log), evidence, now.wall)
    for one in (known.incarnation, older.incarnation):
        log.set_state(tx, one, "closed", "forked")
    if replaced is not None:
        log.set_state(tx, replaced.incarnation, "closed", "replaced")
    log.add_replica(tx, forked, now.wall)
    if missing or lost > 0:
        _doubt(end, tx, log, forked)
    end.down = "snapshot"
    return forked


def _doubt(end: CentreEnd, tx: Tx, log: CentreLog, replica: KnownReplica) -> None:
    """Nobody knows what the lost facts did with the rights of the older incarnation: they end."""
    log.set_state(tx, replica.incarnation, "live", DOUBTFUL)
    end.doubtful = True


def _last_heard(tx: Tx, log: CentreLog) -> dict[str, int]:
    """When the box that is gone was last heard, and how many facts it said were waiting then."""
    at = log.session(tx)
    return {"heard_at": at.heard_at, "unsent": at.unsent}


def _hold(
    end: CentreEnd,
    tx: Tx,
    log: CentreLog,
    now: Reading,
    hello: frames.Hello,
    known: KnownReplica,
    relation: Relation,
) -> Answer:
    """Both tails are kept, the store works on, nothing of it is applied until a person has decided."""
    if known.state != "held":
        log.set_state(tx, known.incarnation, "held", f"{relation.kind} after {relation.common}")
        if relation.kind == "missing":
            log.trouble(tx, "facts_missing", {"upto": hello.floor}, [], now.wall)
        else:
            number = relation.common + 1
            log.trouble(tx, "other_bytes", {"number": number}, [(known.incarnation, number, "")], now.wall)
    if relation.kind == "missing":
        return _refuse(end, "held", "person", 60_000, 600_000)
    label = f"{known.incarnation}!{relation.common}"
    kept = log.replica(tx, label)
    if kept is None:
        chain = log.chain_at(tx, known.incarnation, relation.common) or EMPTY
        kept = KnownReplica(
            label, "evidence", hello.host, relation.common, chain, 0, known.incarnation, relation.common
        )
        log.add_replica(tx, kept, now.wall)
    return _welcome(end, tx, log, now, hello, kept, held=True)


def _welcome(
    end: CentreEnd,
    tx: Tx,
    log: CentreLog,
    now: Reading,
    hello: frames.Hello,
    known: KnownReplica,
    *,
    review: bool = False,
    held: bool = False,
) -> Answer:
    end.mode = "held" if held else "review" if review else "live"
    end.label, end.applied, end.prunable = known.incarnation, (known.applied, known.chain), known.backed_up
    end.facts_first, end.staged = hello.head[0], hello.staged
    centre = end.centre = log.incarnation(tx)
    number, chain = hello.decisions
    floor = log.decisions.floor(tx)
    here = EMPTY if number == 0 else log.decisions.chain_at(tx, number)
    follows = number >= 0 and here == chain and number >= floor
    if review:
        end.down = "none"
    elif held:
        end.down = "resume" if follows else "none"
    elif end.down != "snapshot":
        end.down = "resume" if follows else "snapshot"
    if follows:
        end.sent = end.taken = number
    protocol = min(hello.highest, end.manners.protocols[1])
    upgrade = protocol < end.manners.bulk_from
    end.bulk = not (review or held or upgrade)
    same_centre = hello.centre in ("", centre)
    end.cursors = dict(hello.streams) if same_centre else {}
    end.session = log.session(tx).number + 1
    log.open_session(tx, end.session, hello.incarnation, hello.host, hello.software, now.wall)
    if known.host != hello.host:
        log.set_host(tx, known.incarnation, hello.host)
    end.welcomed(log, now)
    # What the store has and this database has not: more than the store thinks, if this one was restored.
    unsent = max(hello.unsent, hello.head[0] - known.applied)
    end.tell_backlog(unsent, hello.oldest)
    log.note_heard(tx, now.wall, unsent, hello.oldest, end.taken)
    return [
        frames.Welcome(
            session=end.session,
            protocol=protocol,
            centre=centre,
            time=now.wall,
            mode=end.mode,
            facts=known.applied,
            decisions=end.down,
            window=end.manners.facts_window,
            heartbeat=end.manners.heartbeat,
            prunable=known.backed_up,
            streams=same_centre,
            upgrade=upgrade,
            replica=hello.incarnation,
        )
    ]
