"""Where stores and shoppers are: real cities, largest first, demand by the root of population."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

REGIONS = {
    "ENG": ("England", "英格兰"),
    "SCT": ("Scotland", "苏格兰"),
    "WLS": ("Wales", "威尔士"),
    "NIR": ("Northern Ireland", "北爱尔兰"),
}

BUILT_IN = (
    ("London", "伦敦", "ENG", 51.50853, -0.12574, 8961989),
    ("Birmingham", "伯明翰", "ENG", 52.48142, -1.89983, 1157603),
    ("Glasgow", "格拉斯哥", "SCT", 55.86515, -4.25763, 626410),
    ("Manchester", "曼彻斯特", "ENG", 53.48095, -2.23743, 568996),
    ("Sheffield", "谢菲尔德", "ENG", 53.38297, -1.4659, 556500),
    ("Leeds", "利兹", "ENG", 53.79648, -1.54785, 536280),
    ("Edinburgh", "爱丁堡", "SCT", 55.95206, -3.19648, 514990),
    ("Liverpool", "利物浦", "ENG", 53.41058, -2.97794, 496770),
)
"""For runs without the file of cities. Contains data from GeoNames, CC BY 4.0."""


@dataclass(frozen=True)
class City:
    name: str
    name_zh: str
    region: str
    lat: float
    lon: float
    people: int
    timezone: str = "Europe/London"


def read_cities(path: Path | None, country: str = "GB") -> list[City]:
    """Largest first. Without a file: a handful that everybody knows."""
    if path is None or not path.exists():
        return [City(*row) for row in BUILT_IN]
    with path.open(encoding="utf-8", newline="") as text:
        cities = [
            City(
                row["name"],
                row["name_zh"] or row["name"],
                row["admin1"],
                float(row["lat"]),
                float(row["lon"]),
                int(row["population"]),
                row["timezone"],
            )
            for row in csv.DictReader(text)
            if row["country"] == country
        ]
    return sorted(cities, key=lambda c: (-c.people, c.name))


class Weighted:
    """Draws an index with a probability in proportion to its weight."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._steps = list(accumulate(weights))
        self.shares = [weight / self._steps[-1] for weight in weights]

    def index(self, draw: float) -> int:
        return min(bisect_right(self._steps, draw * self._steps[-1]), len(self._steps) - 1)


def by_people(cities: Sequence[City]) -> Weighted:
    return Weighted([city.people**0.5 for city in cities])
