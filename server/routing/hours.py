"""Opening hours in the store's own time zone: open now, and if not, when next.

Hours are `{"mon": ["10:00", "22:00"], …}`; no hours at all mean always open, a missing
day means closed that day, a closing time before the opening time runs past midnight.
An answer is kept until the doors next move, so routing asks the calendar a few
times a day and not once per order.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FAR = 1 << 60


class Hours:
    """One store's doors. Asked with milliseconds since 1970, answered from a kept span where it can."""

    __slots__ = ("_day_end", "_day_from", "_from", "_open", "_opens", "_until", "_week", "zone")

    def __init__(self, text: str, zone_name: str) -> None:
        self.zone = zone_of(zone_name)
        self._week = _parse(text)
        self._from, self._until = 1, 0
        self._open, self._opens = True, 0
        self._day_from, self._day_end = 1, 0

    def is_open(self, now: int) -> bool:
        if not self._week:
            return True
        if not self._from <= now < self._until:
            self._look(now)
        return self._open

    def opens_at(self, now: int) -> int:
        """`now` when open; else the next opening, or 0 when there is none in the week to come."""
        return now if self.is_open(now) else self._opens

    def day_end(self, now: int) -> int:
        """When the local day ends: capacity is counted per local day."""
        if not self._day_from <= now < self._day_end:
            today = _local(now, self.zone).date()
            self._day_from = _ms(datetime.combine(today, time(), self.zone))
            self._day_end = _ms(datetime.combine(today + timedelta(days=1), time(), self.zone))
        return self._day_end

    def _look(self, now: int) -> None:
        local = _local(now, self.zone)
        self._open, self._opens = False, 0
        self._from, self._until = now, _FAR
        for ahead in range(-1, 9):
            day = local.date() + timedelta(days=ahead)
            hours = self._week.get(day.weekday())
            if hours is None:
                continue
            opens = _ms(datetime.combine(day, hours[0], self.zone))
            last = day + timedelta(days=1) if hours[1] <= hours[0] else day
            closes = _ms(datetime.combine(last, hours[1], self.zone))
            if opens <= now < closes:
                self._open, self._opens, self._until = True, now, closes
                return
            if opens > now:
                self._opens, self._until = opens, opens
                return
        self._until = now + 86_400_000  # no opening in sight: look again tomorrow


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """The zone, or UTC for a name that this machine does not know: a typing slip stops no orders."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _parse(text: str) -> dict[int, tuple[time, time]]:
    """By weekday. Unreadable hours count as always open: better a lapsed offer than a store never asked."""
    try:
        raw = json.loads(text or "{}")
        return {
            DAYS.index(day[:3].lower()): (_time(span[0]), _time(span[1])) for day, span in raw.items() if span
        }
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return {}


def _time(text: str) -> time:
    hour, minute = text.split(":")[:2]
    return time(int(hour) % 24, int(minute))


def _local(now: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(now / 1000, zone)


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
