"""Words, times and counts in the reader's language.

English sentences are the message ids. Chinese has one form for every number, English two,
so a counted text names both: `n_("{n} item", "{n} items", n)`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sync.texts import N_, translator

LANGUAGES = {"en": "English", "zh": "中文"}
ROOMS = ("pwa", "sync")

Translate = Callable[[str], str]


@lru_cache
def _translate(language: str) -> Translate:
    return translator(language, ROOMS)


@lru_cache
def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a store row with a zone this machine does not know
        return ZoneInfo("UTC")


class Texts:
    """One reader's language and the store's time zone."""

    def __init__(self, language: str, timezone: str = "UTC") -> None:
        self.language = language if language in LANGUAGES else "en"
        self.zone = zone(timezone)
        self.translate: Translate = _translate(self.language)

    def __call__(self, message: str, **values: Any) -> str:
        text = self.translate(message)
        return text.format(**values) if values else text

    def n(self, one: str, many: str, n: int, **values: Any) -> str:
        return self.translate(one if n == 1 else many).format(n=n, **values)

    def name(self, row: Any, field: str = "name") -> str:
        """The row's text in the reader's language, or the other one where there is none."""
        mine, other = (
            (f"{field}_zh", f"{field}_en") if self.language == "zh" else (f"{field}_en", f"{field}_zh")
        )
        return str(row[mine] or row[other] or "")

    def at(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, self.zone)

    def clock(self, ms: int) -> str:
        return f"{self.at(ms):%H:%M}"

    def when(self, ms: int, now: int) -> str:
        """Clock time, with the day where it is not today."""
        then, today = self.at(ms), self.at(now)
        days = (then.date() - today.date()).days
        if days == 0:
            return self(N_("today {time}"), time=f"{then:%H:%M}")
        if days == -1:
            return self(N_("yesterday {time}"), time=f"{then:%H:%M}")
        if days == 1:
            return self(N_("tomorrow {time}"), time=f"{then:%H:%M}")
        return f"{then:%m-%d %H:%M}"

    def age(self, ms: int) -> str:
        """A length of time in its largest unit."""
        seconds = max(ms, 0) // 1000
        if seconds < 60:
            return self(N_("{n} s"), n=seconds)
        if seconds < 3600:
            return self(N_("{n} min"), n=seconds // 60)
        if seconds < 48 * 3600:
            return self(N_("{n} h"), n=seconds // 3600)
        return self(N_("{n} days"), n=seconds // 86400)

    @staticmethod
    def countdown(ms: int) -> str:
        """mm:ss up to an hour, h:mm:ss above; late ones count up with a minus."""
        sign, seconds = ("-", -ms // 1000) if ms < 0 else ("", ms // 1000)
        hours, rest = divmod(seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        return f"{sign}{hours}:{minutes:02}:{seconds:02}" if hours else f"{sign}{minutes:02}:{seconds:02}"
