"""Every page of the store's handhelds and of the centre, in every combination: `python -m tests.e2e.walk`.

The tests walk two combinations; this walks all of language, light, role, size of text and hand, or those that
are named. Looked for: barriers (axe, WCAG 2.2 AA), letters cut off, pages wider than the screen at 360 and at
320, targets too small for gloves, scripts that break, requests that leave the origin. What was found is
printed; the exit code is 1 if there was anything.
"""

from __future__ import annotations

# First, before anything can load the standard library's SQLite.
import sync.sqlite  # isort: skip - first of all, see there  # noqa: F401

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.conftest import browser_options
from tests.e2e import kit_centre_walk as centre
from tests.e2e import kit_store_walk as store
from tests.e2e.kit_walk import Found, View
from tests.kit_web import running

CHOICES = {
    "language": ("en", "zh"),
    "light": ("light", "dark"),
    "role": ("associate", "lead"),
    "text": ("plain", "large"),
    "hand": ("right", "left"),
}
TEXT = {"plain": "100", "large": "150"}
SMALL = ((360, 640), (320, 568))
DESK, PHONE = (1440, 900), (390, 844)


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.e2e.walk", description=__doc__)
    for name, values in CHOICES.items():
        ask.add_argument(f"--{name}", choices=values, action="append", help="may be named twice; else both")
    ask.add_argument("--only", choices=("store", "alone", "centre"), action="append", help="else all three")
    args = ask.parse_args()
    chosen = {name: getattr(args, name) or values for name, values in CHOICES.items()}
    parts = args.only or ("store", "alone", "centre")

    from playwright.sync_api import sync_playwright

    found = Found()
    with tempfile.TemporaryDirectory(prefix="yipan-walk-") as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(**browser_options())
        if "centre" in parts:
            found.join(said("centre", centres(browser, Path(folder) / "centre", chosen)))
        for language, role in itertools.product(chosen["language"], chosen["role"]):
            session = store.Session(language, role, views(chosen))
            own = Path(folder) / session.name
            own.mkdir()
            for part in ("store", "alone"):
                if part in parts:
                    found.join(said(f"{part}, {session.name}", stores(browser, own, session, part)))
        browser.close()
    return report(found)


def views(chosen: Any) -> list[View]:
    """All that can be changed on an open page: each light with axe, each small size for what does not fit."""
    seen = []
    for text, hand in itertools.product(chosen["text"], chosen["hand"]):
        as_set = {"text": TEXT[text], "hand": hand}
        seen += [View(light=light, **as_set) for light in chosen["light"]]
        seen += [View(*size, light=seen[-1].light, axe=False, **as_set) for size in SMALL]
    return seen


def stores(browser: Any, folder: Path, session: store.Session, part: str) -> Found:
    """Stores of its own for each session: a walk picks, and tries wrong PINs."""
    busy = store.busy_store(folder / f"{part}.db")
    try:
        if part == "alone":
            return store.through_alone(browser, busy, [session])
        empty = store.empty_store(folder / "empty.db")
        try:
            return store.through(browser, empty, busy, store.certified(folder), session)
        finally:
            empty.close()
    finally:
        busy.close()


def centres(browser: Any, folder: Path, chosen: Any) -> Found:
    found = Found()
    folder.mkdir()
    config = centre.busy_centre(folder)
    paths = centre.with_something_on_every_page(config)
    seen = [View(*size, light=light) for light in chosen["light"] for size in (DESK, PHONE)]
    seen += [View(*size, light=seen[-1].light, axe=False) for size in SMALL]
    with running(config) as url:
        for language in chosen["language"]:
            found.join(centre.through(browser, url, language, seen, paths))
            found.join(centre.regional(browser, url, language, seen, paths))
    return found


def said(what: str, found: Found) -> Found:
    when = time.strftime("%H:%M:%S")
    print(f"{when} {what}: {len(found.visited)} pages, {len(found.wrong)} with something", file=sys.stderr)
    return found


def report(found: Found) -> int:
    """By what was found, not by page: one cause shows on many of them."""
    where: dict[str, list[str]] = {}
    for page, wrong in found.wrong.items():
        for one in wrong:
            where.setdefault(one, []).append(page)
    for one, pages in sorted(where.items(), key=lambda item: -len(item[1])):
        print(f"{one}\n    {len(pages)}: {'; '.join(pages[:4])}{' …' if len(pages) > 4 else ''}")
    for one in found.strange:
        print(f"strange: {one}")
    print(f"{len(found.visited)} pages opened, {len(where)} things found, {len(found.strange)} strange")
    return 1 if where or found.strange or not found.visited else 0


if __name__ == "__main__":
    sys.exit(main())
