"""Virtual time: what is due next, machine by machine and frame by frame."""

from __future__ import annotations

from tests.simulation.box import Box
from tests.simulation.wire import Wire
from tests.simulation.world.boxes import Boxes


class Time(Boxes):
    def advance(self, ms: int) -> None:
        target = self.now + ms
        for _ in range(20_000):
            if self.broken:
                return
            due = self._next_due()
            if due > target or (self._interrupted and not self.calm):
                break
            self.now = max(self.now, due)
            arrived = self.sky.pop(self.now)
            if arrived is not None:
                self._deliver(*arrived)
            else:
                self._tick()
        else:
            self.fail("progress", "the world never comes to the next moment")
        if self._interrupted and not self.calm:
            self._interrupted = False
            return
        self.now = max(self.now, target)

    def _next_due(self) -> int:
        due = [self.centre.next_tick if self.centre.running else max(self.centre.down_until, self.now)]
        for box in self.boxes.values():
            if not box.running:
                due.append(box.down_until)
            else:
                awake = max(box.suspended_until, self.now)
                due.append(max(box.next_tick, awake))
                if box.line is None:
                    due.append(max(box.connect_at, awake))
        if self.sky.next_due is not None:
            due.append(self.sky.next_due)
        return min(due)

    def _tick(self) -> None:
        centre = self.centre
        if not centre.running:
            if self.now >= centre.down_until:
                self._start_centre()
        elif self.now >= centre.next_tick:
            self._tick_centre()
        for box in self.boxes.values():
            if not box.running:
                if self.now >= box.down_until:
                    box.start()
                    box.next_tick = self.now
                    self.note(f"{box.code} starts")
                continue
            if not box.awake:
                continue
            if self.now >= box.next_tick:
                self._tick_box(box)
            if box.running and box.line is None and self.now >= box.connect_at:
                self._connect(box)

    # -- frames arrive -----------------------------------------------------------------------------

    def _deliver(self, wire: Wire, way: str, data: bytes | None) -> None:
        if way == "up":
            self._deliver_up(wire, data)
        else:
            self._deliver_down(wire, data)

    def _deliver_up(self, wire: Wire, data: bytes | None) -> None:
        if not self.centre.running or not wire.centre_open:
            return
        if data is None:
            wire.centre_open = False
            self.centre.wires.remove(wire)
            self.at_centre(lambda tx: wire.end.disconnected(tx, self.centre_reading()))
            return
        end, now = wire.end, self.centre_reading()
        newer = any(w.store == wire.store and w.number > wire.number and w.end.up for w in self.centre.wires)
        superseded = end.up and newer  # before the frame: a late hello makes its connection the newest
        if superseded:
            self.reached["frame of an old connection"] += 1
        if end.needs_no_transaction(data):
            self.send(wire, "down", end.received(None, now, data))
            if end.down == "snapshot" or b'"l":"bulk"' in data or b'"l":"snapshot"' in data:
                self._look(wire)
        else:
            changes = self.centre.db.total_changes
            self.talk(wire, lambda tx: end.received(tx, now, data))
            if superseded and self.centre.running and self.centre.db.total_changes != changes:
                # Closing the old session writes nothing either: it is not the store's newest.
                self.fail("sessions", f"an older connection of {wire.store} wrote after {data[:80]!r}")

    def _deliver_down(self, wire: Wire, data: bytes | None) -> None:
        box = self.boxes[wire.store]
        if box.line is not wire or not box.running:
            return
        if box.suspended_until > self.now:
            self.sky.put(box.suspended_until, wire, "down", data)
            return
        if data is None:
            self.close_store_side(box, silently=True)
            return
        waited = box.lacks_a_base
        self.box_job(box, lambda fate: box.heard(data, fate))
        if waited and box.running and not box.lacks_a_base:
            self._count_snapshot(box)

    def _count_snapshot(self, box: Box) -> None:
        """A new base came in. Was there work of the store's own on top that the centre has not heard of?"""
        head, incarnation = box.db.execute(
            "SELECT (SELECT coalesce(max(number), 0) FROM fact),"
            " (SELECT value FROM meta WHERE key = 'incarnation')"
        ).fetchone()
        known = self.centre.db.execute(
            "SELECT applied FROM replica WHERE store = ? AND incarnation = ?", (box.code, incarnation)
        ).fetchone()
        above = head > (known[0] if known else 0)
        self.reached["snapshot under unsent facts" if above else "snapshot"] += 1
