"""A hostile world around the link, from one seed: lines, disks and people do their worst.

Stores and centre are the toy ends of `kit_link` on real SQLite. A model beside them remembers what each
store was told is saved, and after the world has calmed down `check` compares.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from server.link.decide import publish
from server.link.logs import release_held, rename_centre
from sync import sqlite
from sync.link.centre_end import CentreEnd
from sync.link.ending import Ending
from sync.link.greeting import STILL_THERE_MS
from sync.replica import log
from sync.wire import codec, frames
from tests.kit_link import NINE_AM, ToyCentre, ToyStore, centre_copy, copy_of, reading, sums


class Crash(Exception):
    """The process died before its commit."""


@dataclass
class Connection:
    end: CentreEnd
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)


@dataclass
class Site:
    store: ToyStore
    line: Connection | None = None
    told: set[str] = field(default_factory=set)
    copies: list[sqlite.Connection] = field(default_factory=list)


class World:
    FAULTS = (
        "lose", "repeat", "swap", "crash_store", "crash_centre", "cut", "half_open", "copy_store",
        "restore_store", "backup", "restore_centre", "clone", "hintless", "late", "prune",
    )  # fmt: skip

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = NINE_AM
        self.sites = {code: Site(ToyStore(code, host=f"box-{code}", seed=seed)) for code in ("S001", "S002")}
        self.centre = ToyCentre(tuple(self.sites), grant_every=4, seed=seed)
        self.centre.poison = {"BAD"}
        self.ghosts: list[tuple[str, Connection]] = []
        self.backups = [centre_copy(self.centre.db)]
        self.reached: Counter[str] = Counter()
        # Each seed has its own mix: a world that does everything a little reaches no deep state.
        self.odds = {name: self.rng.choice((0.0, 0.3, 1.0)) for name in self.FAULTS}
        self.rows = 0

    # -- what happens ------------------------------------------------------------------------

    def step(self) -> None:
        code = self.rng.choice(list(self.sites))
        site = self.sites[code]
        roll = self.rng.random()
        if roll < 0.22:
            self.sell(site)
        elif roll < 0.27:
            self.grant(code, site)
        elif roll < 0.30:
            self.publish()
        elif roll < 0.36:
            self.tick(self.rng.choice((500, 2_000, 20_000)))
        elif roll < 0.44 and site.line is None:
            self.connect(site)
        elif roll < 0.51:
            self.fault(code, site)
        else:
            self.deliver(code, site)

    def fault(self, code: str, site: Site) -> None:
        name = self.rng.choice(self.FAULTS)
        if self.rng.random() >= self.odds[name]:
            return
        getattr(self, f"do_{name}", lambda code, site: None)(code, site)

    def chance(self, name: str, share: float) -> bool:
        return self.rng.random() < self.odds[name] * share

    def sell(self, site: Site) -> None:
        store = site.store
        sku = self.rng.choice(("A", "B", "C", "BAD")) if self.rng.random() < 0.3 else "A"
        store.now = self.now
        command = store.sell(sku, self.rng.randint(1, 3))
        site.told.add(command)  # the commit is on disk: whatever happens next, the page said saved
        if self.chance("crash_store", 0.05):
            self.crash_store(site)
            return
        if site.line is not None:
            with sqlite.writing(store.db):
                store.end.keep(store.db, reading(self.now))
                site.line.up += store.end.recorded(store.db, reading(self.now))

    def grant(self, code: str, site: Site) -> None:
        self.centre.now = self.now
        with sqlite.writing(self.centre.db):
            self.centre.grant(code, self.rng.choice("AB"), self.rng.randint(1, 5))
        if site.line is not None and not self.chance("hintless", 0.8):
            site.line.down += site.line.end.woken(self.centre.db, reading(self.now))

    def publish(self) -> None:
        self.rows += 1
        with sqlite.writing(self.centre.db):
            publish(
                self.centre.db, "catalogue", f"K{self.rng.randrange(30)}", {"n": self.rows, "x": "y" * 900}
            )
        for site in self.sites.values():
            if site.line is not None and not self.chance("hintless", 0.8):
                site.line.down += site.line.end.woken(self.centre.db, reading(self.now))

    def connect(self, site: Site) -> None:
        site.line = Connection(self.centre.new_end())
        site.line.up += site.store.end.connected(site.store.db, reading(self.now))
        site.line.down += site.line.end.connected(None, reading(self.now))

    def tick(self, ms: int) -> None:
        self.now += ms
        at = reading(self.now)
        for code, site in self.sites.items():
            if site.line is None:
                continue
            with sqlite.writing(site.store.db):
                site.line.up += site.store.end.tick(site.store.db, at)
            with sqlite.writing(self.centre.db):
                site.line.down += site.line.end.tick(self.centre.db, at)
            self.ended(code, site)

    def deliver(self, code: str, site: Site) -> None:
        line = site.line
        if line is None:
            return
        ways = [way for way in (line.up, line.down) if way]
        if not ways:
            return
        way = self.rng.choice(ways)
        if self.chance("lose", 0.03):
            way.pop(0)
            return
        if len(way) > 1 and self.chance("swap", 0.05):
            way[0], way[1] = way[1], way[0]
        frame = way[0] if self.chance("repeat", 0.08) else way.pop(0)
        if way is line.down:
            self.at_store(site, line, frame)
        else:
            self.at_centre(line, frame)
        if site.line is line:
            self.ended(code, site)

    def at_store(self, site: Site, line: Connection, frame: bytes) -> None:
        store = site.store
        store.now = self.now
        crash = self.rng.choice(("before", "after")) if self.chance("crash_store", 0.03) else ""
        try:
            with sqlite.writing(store.db):
                answer = store.end.received(store.db, reading(self.now), frame)
                if crash == "before":
                    raise Crash
        except Crash:
            answer = []
        if crash:
            self.crash_store(site)
        else:
            line.up += answer

    def at_centre(self, line: Connection, frame: bytes) -> None:
        self.centre.now = self.now
        crash = self.rng.choice(("before", "after")) if self.chance("crash_centre", 0.02) else ""
        try:
            with sqlite.writing(self.centre.db):
                answer = line.end.received(self.centre.db, reading(self.now), frame)
                if crash == "before":
                    raise Crash
        except Crash:
            answer = []
        if crash:
            self.crash_centre()
        else:
            line.down += answer

    def ended(self, code: str, site: Site) -> None:
        """An end that wants to close: what it said last still arrives, then the line is gone."""
        line = site.line
        if line is None or (site.store.end.closing is None and line.end.closing is None):
            return
        ending: Ending | None = site.store.end.closing or line.end.closing
        if line.end.closing is not None and site.store.end.closing is None:
            for frame in line.down[-1:]:
                if isinstance(codec.decode(frame), frames.Refuse):
                    self.at_store(site, line, frame)
        assert ending is not None
        self.reached[f"ended:{ending.code}"] += 1
        if site.line is line:
            self.do_cut(code, site)

    # -- faults -------------------------------------------------------------------------------

    def crash_store(self, site: Site) -> None:
        self.reached["crash_store"] += 1
        site.store.start()
        if site.line is not None:
            self.ghosts.append((site.store.store, site.line))
            site.line = None

    def crash_centre(self) -> None:
        self.reached["crash_centre"] += 1
        for site in self.sites.values():
            if site.line is not None:
                site.store.end.disconnected()
                site.line = None
        self.ghosts.clear()
        self.centre.start()

    def do_crash_store(self, code: str, site: Site) -> None:
        self.crash_store(site)

    def do_crash_centre(self, code: str, site: Site) -> None:
        self.crash_centre()

    def do_cut(self, code: str, site: Site) -> None:
        if site.line is None:
            return
        site.store.end.disconnected()
        with sqlite.writing(self.centre.db):
            site.line.end.disconnected(self.centre.db, reading(self.now))
        site.line = None

    def do_half_open(self, code: str, site: Site) -> None:
        """The store knows that the line is gone; the centre does not, and old frames are under way."""
        if site.line is not None:
            site.store.end.disconnected()
            self.ghosts.append((code, site.line))
            site.line = None

    def do_late(self, code: str, site: Site) -> None:
        """Frames of an older connection arrive after the new one is up: they must write nothing."""
        if not self.ghosts:
            return
        owner, line = self.ghosts.pop(self.rng.randrange(len(self.ghosts)))
        newer = self.sites[owner].line
        superseded = newer is not None and newer.end.up and line.end.up
        for frame in line.up:
            before = self.centre.db.total_changes
            with sqlite.writing(self.centre.db):
                line.end.received(self.centre.db, reading(self.now), frame)
            if superseded:
                assert self.centre.db.total_changes == before, "a late frame of an older session wrote"
                self.reached["late"] += 1

    def do_copy_store(self, code: str, site: Site) -> None:
        site.copies.append(copy_of(site.store.db))
        del site.copies[:-3]

    def do_restore_store(self, code: str, site: Site) -> None:
        if not site.copies:
            return
        self.reached["restore_store"] += 1
        self.crash_store(site)
        site.store.db = copy_of(self.rng.choice(site.copies))
        site.store.start()
        self.count_losses()

    def do_backup(self, code: str, site: Site) -> None:
        self.backups.append(centre_copy(self.centre.db))
        with sqlite.writing(self.centre.db):
            self.centre.db.execute("UPDATE replica SET backed_up = applied")
        del self.backups[:-1]

    def do_restore_centre(self, code: str, site: Site) -> None:
        if self.rng.random() > 0.6:
            return
        self.reached["restore_centre"] += 1
        self.crash_centre()
        self.centre.db = centre_copy(self.backups[-1])
        if self.rng.random() < 0.5:
            with sqlite.writing(self.centre.db):
                rename_centre(self.centre.db, f"C{self.rng.getrandbits(40):x}", self.now)
        self.count_losses()

    def do_clone(self, code: str, site: Site) -> None:
        """A second box with a copy of the disk comes while the first is at work: it must be refused."""
        line = site.line
        if line is None or not (line.end.up and site.store.end.up) or line.end.closing is not None:
            return
        if (
            self.now
            - self.centre.db.execute(
                "SELECT heard_at FROM store_session WHERE store = ?", (code,)
            ).fetchone()[0]
            > STILL_THERE_MS
        ):
            return
        clone = ToyStore(code, host="elsewhere")
        clone.db = copy_of(site.store.db)
        clone.start()
        end = self.centre.new_end()
        clone.end.connected(clone.db, reading(self.now))
        (challenge,) = end.connected(None, reading(self.now))
        with sqlite.writing(clone.db):
            (hello,) = clone.end.received(clone.db, reading(self.now), challenge)
        with sqlite.writing(self.centre.db):
            end.received(self.centre.db, reading(self.now), hello)
        assert end.closing is not None, "a second live box was let in"
        assert end.closing.code == "two_replicas"
        self.reached["clone"] += 1

    def do_prune(self, code: str, site: Site) -> None:
        store = site.store
        with sqlite.writing(store.db):
            store.end.keep(store.db, reading(self.now))
            self.reached["pruned"] += log.ReplicaLog().prune(store.db, store.end.prunable, self.now + 1)

    # -- the model --------------------------------------------------------------------------------

    def count_losses(self) -> None:
        """What no disk holds any more is lost by the disaster, not by the link."""
        for code, site in self.sites.items():
            somewhere = site.store.commands_held() | self.at_centre_of(code)
            site.told &= somewhere

    def at_centre_of(self, code: str, where: str = "") -> set[str]:
        rows = self.centre.db.execute(f"SELECT command FROM fact WHERE store = ? {where}", (code,))
        return {str(row[0]) for row in rows}

    # -- peace --------------------------------------------------------------------------------------

    def calm_down(self) -> None:
        """No more faults: lines stay, persons decide what was held, everything drains within a bound."""
        self.odds = dict.fromkeys(self.FAULTS, 0.0)
        self.ghosts.clear()
        for code, site in self.sites.items():
            self.do_cut(code, site)
        self.now += STILL_THERE_MS + 1
        for _ in range(40):
            for row in self.centre.db.execute(
                "SELECT store, incarnation FROM replica WHERE state = 'held'"
            ).fetchall():
                with sqlite.writing(self.centre.db):
                    release_held(self.centre.db, row[0], row[1])
                self.reached["released"] += 1
            for code, site in self.sites.items():
                if site.line is None or site.store.end.mode != "live":
                    self.do_cut(code, site)
                    self.connect(site)
                for _ in range(5_000):
                    if site.line is None or not (site.line.up or site.line.down):
                        break
                    self.deliver(code, site)
            self.tick(1_000)
            if self.quiet():
                return
        raise AssertionError("the world did not calm down")

    def quiet(self) -> bool:
        for code, site in self.sites.items():
            end, line = site.store.end, site.line
            if line is None or not end.up or end.mode != "live" or end.acked != site.store.head():
                return False
            if line.up or line.down or log.ReplicaLog().standing(site.store.db).needs_snapshot:
                return False
            head = self.centre.db.execute(
                "SELECT coalesce(max(number), 0) FROM decision WHERE store = ?", (code,)
            ).fetchone()[0]
            if int(log.get(site.store.db, "decisions_number", "0")) != head:
                return False
        return True

    def check(self) -> None:
        for code, site in self.sites.items():
            applied = self.centre.applied(code)
            doubled = {command for command, count in applied.items() if count > 1}
            assert not doubled, f"applied twice: {doubled}"
            parked = self.at_centre_of(code, "AND verdict = 'parked' AND note <> 'other_bytes'")
            evidence = self.at_centre_of(code, "AND note = 'other_bytes'")
            missing = site.told - set(applied) - parked
            missing -= evidence - site.store.commands_held()  # kept for a person, gone from the disk
            assert not missing, f"{code}: saved and never taken: {sorted(missing)[:5]} of {len(missing)}"
            theirs, ours = sums(site.store.db), self.centre.sums(code)
            for one in (theirs, ours):
                one.pop("sold:BAD", None)
                one.pop("verdicts", None)
            assert theirs == ours, code
            rows = dict(site.store.db.execute("SELECT key, body FROM toy_row WHERE stream = 'catalogue'"))
            for key, body in self.centre.db.execute(
                "SELECT key, body FROM stream_row WHERE stream = 'catalogue'"
            ):
                assert rows[key].replace(" ", "") == bytes(body).decode(), key
        cases = set(self.centre.cases())
        if not self.reached["restore_centre"]:
            assert "centre_restored" not in cases, "the centre took itself for a copy"
            if not self.reached["restore_store"]:
                assert not cases & {"restored_copy", "other_bytes"}, "a sound store was taken for a copy"
        for kind in self.centre.cases():
            self.reached[f"case:{kind}"] += 1
