"""How hostile one seed's world is. Each seed has its own mix: a world that does everything a little
reaches no deep state."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000

FAULTS: dict[str, float] = {
    "cut": 3.0,
    "partition": 3.0,
    "blackout": 0.5,
    "half_open": 2.0,
    "crash_box": 1.5,
    "crash_centre": 0.7,
    "centre_away": 0.5,
    "suspend": 0.8,
    "step_clock": 0.7,
    "fill_disk": 0.7,
    "backup": 0.8,
    "restore_centre": 0.35,
    "copy_box": 1.0,
    "restore_box": 0.6,
    "lose_box": 0.25,
    "clone": 0.6,
    "late_frame": 2.0,
    "theft": 1.0,
    "prune": 0.4,
}
"""Faults by name with their usual weight."""

DEEDS: dict[str, float] = {
    "work": 46.0,
    "order": 10.0,
    "answer": 8.0,
    "sell": 9.0,
    "cancel": 2.0,
    "collect": 3.0,
    "count": 2.0,
    "receive": 2.0,
    "transfer": 1.2,
    "adjust": 1.0,
    "bring_back": 2.0,
    "grade": 1.5,
    "put_back": 4.0,
    "undo": 0.8,
    "force": 1.5,
    "again": 0.5,
    "pause": 0.3,
    "load": 1.0,
    "grant": 0.8,
    "ask": 0.8,
    "repeat_order": 0.6,
    "read_scan": 0.6,
}


MOODS: dict[str, dict[str, float]] = {
    "copies": {"restore_box": 8, "copy_box": 6, "lose_box": 3, "partition": 3, "cut": 2},
    "backups": {"restore_centre": 6, "backup": 6, "partition": 3, "prune": 3, "crash_centre": 1},
    "clocks": {"partition": 2, "blackout": 6, "suspend": 3, "step_clock": 4, "crash_box": 2},
    "counter": {"partition": 8, "blackout": 1, "cut": 3, "half_open": 2},
    "lines": {"cut": 8, "half_open": 8, "late_frame": 8, "clone": 4, "partition": 2},
    "scarce": {"partition": 6, "theft": 6, "crash_box": 1},
}
"""Some seeds are about one thing: then its rare states are met together."""


@dataclass
class Mix:
    roll: Random
    mood: str | None = None
    opening: tuple[int, ...] = (0, 1, 2, 3, 5, 8, 12)
    lose: float = 0.0
    swap: float = 0.0
    repeat: float = 0.0
    hintless: float = 0.0
    crash_box: float = 0.0
    crash_centre: float = 0.0
    no_wifi: float = 0.0
    repeat_command: float = 0.0
    miscount: float = 0.0
    insist: float = 0.0
    wrong_pin: float = 0.0
    fault_share: float = 0.08
    busy: float = 0.0
    """How much of everything happens at the first store: there turns come to their end in few steps."""
    kinds: tuple[str, ...] = ("shipment", "shipment", "pickup", "pickup", "same_day")
    latencies: tuple[int, ...] = (30, 80, 200)
    faults: dict[str, float] = field(default_factory=dict)
    deeds: dict[str, float] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roll = self.roll
        self.lose = roll.choice((0.0, 0.0, 0.0, 0.005, 0.03))
        self.swap = roll.choice((0.0, 0.0, 0.0, 0.01))
        self.repeat = roll.choice((0.0, 0.0, 0.02, 0.15))
        self.hintless = roll.choice((0.0, 0.0, 0.3, 1.0))
        self.crash_box = roll.choice((0.0, 0.0, 0.002, 0.01))
        self.crash_centre = roll.choice((0.0, 0.0, 0.001, 0.004))
        self.no_wifi = roll.choice((0.0, 0.03, 0.15))
        self.repeat_command = roll.choice((0.0, 0.05, 0.25))
        self.miscount = roll.choice((0.0, 0.0, 0.3))
        self.insist = roll.choice((0.0, 0.3, 1.0))
        self.wrong_pin = roll.choice((0.0, 0.2, 0.5))
        self.fault_share = roll.choice((0.02, 0.06, 0.12))
        self.busy = roll.choice((0.0, 0.0, 0.5))
        self.latencies = roll.choice(((30, 80, 200), (30, 1_500, 9_000), (20, 40, 60), (200, 400, 30_000)))
        self.faults = {
            name: weight * roll.choice((0.0, 0.0, 1.0, 1.0, 6.0)) for name, weight in FAULTS.items()
        }
        if not any(self.faults.values()):
            self.faults["cut"] = 1.0
        self.deeds = {name: weight * roll.choice((0.3, 1.0, 1.0, 2.5)) for name, weight in DEEDS.items()}
        self.deeds["work"] = DEEDS["work"]
        self.policies = {
            "hold_s": roll.choice((48 * 3600, 3 * 3600, 3600)),
            "accept_s": 30 * 60,
            "retry_s": roll.choice((600, 3600, 3600)),
            "may_move_km": roll.choice((0, 500)),
            "max_attempts": roll.choice((5, 2)),
            "started_grace_s": roll.choice((4 * 3600, 1800)),
            "silence_s": roll.choice((24 * 3600, 3600)),
            "region_reassign_per_min": roll.choice((60, 1)),
            "pickup_partial": roll.choice((1, 0)),
            "rebalance": roll.choice((1, 1, 0)),
            "rebalance_s": roll.choice((30, 300, 1800)),
        }
        self.policies["unheard_s"] = self.policies["silence_s"]
        drawn = roll.choice(("", "", "", "", *MOODS))
        self.mood = drawn if self.mood is None else self.mood
        if self.mood:
            self._in_mood(self.mood)

    def _in_mood(self, mood: str) -> None:
        self.faults = {name: MOODS[mood].get(name, 0.0) for name in FAULTS}
        self.fault_share = 0.12
        if mood == "backups":
            self.crash_centre = 0.01
        if mood in ("copies", "backups"):
            self.latencies = self.roll.choice((self.latencies, (400, 9_000, 30_000)))
        if mood in ("clocks", "counter"):
            self.busy = 0.7
            self.kinds = ("pickup", "pickup", "pickup", "same_day", "shipment")
            self.opening = (2, 3, 5, 8)
        if mood == "clocks":
            self.policies["hold_s"] = 3600
            self.policies["started_grace_s"] = 1800
            self.deeds |= {"collect": 12.0, "cancel": 0.5, "work": 60.0}
        if mood == "counter":
            self.deeds |= {"answer": 16.0, "collect": 12.0, "force": 8.0, "again": 5.0, "undo": 4.0}
            self.deeds |= {"cancel": 4.0, "bring_back": 4.0}
        if mood == "scarce":
            self.opening = (0, 1, 1, 2, 2, 3)
            self.insist = 1.0
            self.miscount = 0.3
            self.deeds |= {"sell": 30.0, "order": 14.0, "receive": 6.0, "count": 6.0, "grant": 3.0}
