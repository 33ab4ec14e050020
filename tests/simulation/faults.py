"""What goes wrong with lines, machines, disks, clocks and copies, one fault at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.link import backup
from sync.link.clock import LinkClock
from sync.link.greeting import STILL_THERE_MS
from sync.link.store_end import StoreEnd
from sync.replica import log
from tests.simulation.box import Box
from tests.simulation.chain import SKUS, empty_replica, replica_copy
from tests.simulation.machine import Died
from tests.simulation.mix import HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from tests.simulation.world import World


class Faults:
    def __init__(self, world: World) -> None:
        self.world = world

    def strike(self, name: str) -> None:
        box = self.world.somewhere()
        getattr(self, name)(box)

    # -- lines ------------------------------------------------------------------------------------

    def cut(self, box: Box) -> None:
        if box.line is not None and box.running:
            self.world.note(f"the line of {box.code} is cut")
            self.world.close_store_side(box)

    def partition(self, box: Box) -> None:
        """Down for long: offers lapse, holds end, and the store works on."""
        world = self.world
        lasts = world.roll.choice((5 * MINUTE, 20 * MINUTE, 40 * MINUTE, 2 * HOUR, 6 * HOUR))
        box.partition_until = world.now + lasts
        world.note(f"{box.code} has no line for {lasts // MINUTE} min")
        world.reached["partition"] += 1
        if box.line is not None:
            box.line.holes |= {"up", "down"}
            if world.roll.random() < 0.8:
                world.close_store_side(box, silently=True)

    def blackout(self, box: Box) -> None:
        """Power and line go together: the box is soon up again, the line is not."""
        self.partition(box)
        if box.running:
            self.world.box_died(box, Died(False), reboot=True)

    def half_open(self, box: Box) -> None:
        """One way, or both, is a hole; nobody is told."""
        if box.line is not None:
            box.line.holes |= set(self.world.roll.choice((("up",), ("down",), ("up", "down"))))
            self.world.reached["half-open line"] += 1
            self.world.note(f"the line of {box.code} swallows {sorted(box.line.holes)}")
            if self.world.roll.random() < 0.6:
                self.world.close_store_side(box, silently=True)

    def late_frame(self, box: Box) -> None:
        """Frames that were sent before arrive once more, much later."""
        for wire in reversed(self.world.centre.wires):
            if wire.store == box.code and wire.last:
                for way, frame in wire.last[-3:]:
                    wait = self.world.roll.choice((SECOND, MINUTE, 10 * MINUTE))
                    self.world.sky.put(self.world.now + wait, wire, way, frame, in_order=False)
                return

    # -- machines -----------------------------------------------------------------------------------

    def crash_box(self, box: Box) -> None:
        if box.running:
            self.world.box_died(box, Died(False))

    def crash_centre(self, box: Box) -> None:
        if self.world.centre.running:
            self.world.centre_died(Died(False))

    def centre_away(self, box: Box) -> None:
        if self.world.centre.running:
            self.world.reached["centre away"] += 1
            away = self.world.roll.choice((10 * MINUTE, 45 * MINUTE, 2 * HOUR))
            self.world.centre_died(Died(False), away)

    def suspend(self, box: Box) -> None:
        if box.running and box.awake:
            lasts = self.world.roll.choice((2 * MINUTE, 40 * MINUTE, 3 * HOUR))
            box.suspended_until = self.world.now + lasts
            self.world.reached["suspended"] += 1
            self.world.note(f"{box.code} sleeps for {lasts // MINUTE} min")

    def step_clock(self, box: Box) -> None:
        box.wall_offset += self.world.roll.choice((-HOUR, HOUR, 26 * HOUR, -400 * 24 * HOUR, 3 * SECOND))
        self.world.reached["wall clock stepped"] += 1

    def fill_disk(self, box: Box) -> None:
        if box.running:
            box.full_until = self.world.now + self.world.roll.choice((MINUTE, 10 * MINUTE, 30 * MINUTE))
            box.fill_disk(True)
            box.next_tick = min(box.next_tick, box.full_until)
            self.world.note(f"the disk of {box.code} is full")

    def theft(self, box: Box) -> None:
        place = self.world.floor.stores[box.code]
        sku = self.world.roll.choice(SKUS)
        if place.shelf[sku] > 0:
            place.shelf[sku] -= 1
            self.world.reached["stolen"] += 1

    # -- copies ---------------------------------------------------------------------------------------

    def copy_box(self, box: Box) -> None:
        if box.running:
            box.copies.append(box.image())
            while len(box.copies) > 2:
                box.copies.pop(0).close()

    def restore_box(self, box: Box) -> None:
        """The box comes back with an older copy of its disk."""
        if not box.copies or not box.running:
            return
        world = self.world
        self._swap(box, lambda: box.put_back(world.roll.choice(box.copies)))
        world.reached["box restored from a copy"] += 1
        world.note(f"{box.code} is restored from an older copy")

    def lose_box(self, box: Box) -> None:
        """The box is gone for good; a new one comes with an empty disk."""
        if not box.running:
            return
        world = self.world

        def swap() -> None:
            empty = empty_replica(box.code, world.roll, world.now)
            box.put_back(empty)
            empty.close()
            box.host = f"box-{box.code}-{world.step_no}"
            for copy in box.copies:
                copy.close()
            box.copies.clear()

        self._swap(box, swap)
        world.reached["box lost"] += 1
        world.note(f"{box.code} gets a new, empty box")

    def _swap(self, box: Box, swap: object) -> None:
        world = self.world
        world.stop_box(box, world.roll.choice((10 * SECOND, 5 * MINUTE, 3 * HOUR)))
        assert callable(swap)
        swap()
        box.boots += 1
        box.boot_at = world.now
        box.disturbed = True
        self._count_losses((box.code,))

    def _count_losses(self, struck: tuple[str, ...]) -> None:
        world = self.world
        stores = {code: one.db for code, one in world.boxes.items()}
        known = world.auditor.disaster(struck, stores, world.centre.db)
        for command in [one for one in world.floor.left if one not in known]:
            for bought, sku, units in world.floor.left.pop(command):
                bought.unknown[sku] += units
                world.reached["a release that no disk holds"] += 1
        for code in struck:
            world.boxes[code].disturbed = True
            # A handheld that asks a new disk about an old deed gets no honest answer; its owner looks.
            world.retries = [one for one in world.retries if one[1].code != code]

    def backup(self, box: Box) -> None:
        """A verified backup: what it covers may be forgotten by the stores."""
        world = self.world
        if not world.centre.running:
            return
        image = world.centre.image()
        world.centre.backups.append((world.now, image))
        while len(world.centre.backups) > 2:
            world.centre.backups.pop(0)[1].close()
        if len(world.centre.backups) == 2:
            # Either may be put back, and after a restore the younger one may hold less: only what both cover
            # is covered.
            one, other = (
                {
                    (store, incarnation): applied
                    for store, incarnation, applied in image.execute(
                        "SELECT store, incarnation, applied FROM replica"
                    )
                }
                for _, image in world.centre.backups
            )
            covered = [(*key, min(one[key], other[key])) for key in one if key in other]
            world.at_centre(
                lambda tx: [
                    tx.execute(
                        "UPDATE replica SET backed_up = ?1"
                        " WHERE store = ?2 AND incarnation = ?3 AND backed_up < ?1",
                        (applied, store, incarnation),
                    )
                    for store, incarnation, applied in covered
                ]
            )

    def restore_centre(self, box: Box) -> None:
        world, centre = self.world, self.world.centre
        if not centre.running:
            return
        world.look()
        world.stop_centre(world.roll.choice((MINUTE, 20 * MINUTE)))
        at, image = world.roll.choice(centre.backups)
        centre.put_back(image)
        # Stores are told what this one covers, and may forget it: an older one is no backup any more.
        for one in [one for one in centre.backups if one[0] < at]:
            centre.backups.remove(one)
            one[1].close()
        fence = centre.db.execute("SELECT value FROM meta WHERE key = 'fence'").fetchone()
        # A file that was copied back by hand looks like the real one until a store speaks. What it numbers
        # before that nobody can tell, so this is played only where it has nothing to number again.
        if int(fence[0] if fence else 0) < world.auditor.max_fence or world.roll.random() < 0.5:
            self._begin_again()
        else:
            world.reached["centre restored without a word"] += 1
        # Orders placed since are not known any more; their channels send them again, or not.
        known = {row[0] for row in centre.db.execute("SELECT no FROM shop_order")}
        for no in [no for no in world.floor.orders if no not in known]:
            del world.floor.orders[no]
        world.reached["centre restored"] += 1
        world.note("the centre is restored from a backup")
        self._count_losses(world.codes)
        world.auditor.centre_again(centre.db)

    def _begin_again(self) -> None:
        """As `yipan restore` leaves it: a new incarnation, counters far ahead."""
        world, db = self.world, self.world.centre.db
        old = db.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()[0]
        backup._begin_again(db, old, world.now, world.roll.randbytes)

    def clone(self, box: Box) -> None:
        """A second box with a copy of the disk calls while the first is at work: it must be refused."""
        world = self.world
        line = box.line
        if line is None or not (line.end.up and box.end.up and line.centre_open) or not world.centre.running:
            return
        heard = world.centre.db.execute(
            "SELECT heard_at, closed_at FROM store_session WHERE store = ?", (box.code,)
        ).fetchone()
        if heard is None or heard[1] or world.now - heard[0] > STILL_THERE_MS:
            return
        db = replica_copy(box.db)
        try:
            end = StoreEnd(
                box.code, log.ReplicaLog(), box.applier, key=box.key, new_incarnation=box.new_id,
                clock=LinkClock(), host="elsewhere",
            )  # fmt: skip
            from server.link.serve import new_end

            theirs = new_end(world.roll.randbytes, now=world.now, shelf=world.centre.shelf)
            end.connected(db, box.reading())
            (challenge,) = theirs.connected(None, world.centre_reading())
            db.execute("BEGIN")
            (hello,) = end.received(db, box.reading(), challenge)
            db.execute("ROLLBACK")
            answered = world.at_centre(lambda tx: theirs.received(tx, world.centre_reading(), hello))
            if answered is not None and (theirs.closing is None or theirs.closing.code != "two_replicas"):
                world.fail("sessions", f"a second live box of {box.code} was let in")
            world.reached["clone refused"] += 1
        finally:
            db.close()

    def prune(self, box: Box) -> None:
        """As if a fortnight had passed: facts that a backup covers are forgotten by the store."""
        world = self.world
        if box.awake and box.running:

            def job(tx: object) -> list[bytes]:
                box.end.keep(box.db, box.reading())
                gone = log.ReplicaLog().prune(box.db, box.end.prunable, 2**60)
                world.reached["facts pruned"] += gone > 0
                return []

            world.box_job(box, lambda fate: box.job(job, fate))
