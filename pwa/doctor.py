"""What somebody at the store's box can check without knowing the inside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pwa.statics import content
from sync import sqlite
from sync.sqlite import Connection
from sync.texts import N_

FREE_MB = 200
EARLIEST_S = 1_760_000_000
"""A clock before this (October 2025) was never set since the box was switched on."""
SCRIPTS = ("lib/htmx.min.js",)


@dataclass(frozen=True)
class Check:
    name: str
    state: str
    """ok, note or bad."""
    text: str


def opened(data: Path) -> Connection | None:
    path = data / "replica.db"
    return sqlite.connect(path, read_only=True) if path.exists() else None


def record(data: Path) -> dict[str, Any] | None:
    """What the store's file says by itself, node running or not."""
    db = opened(data)
    if db is None:
        return None
    with contextlib.closing(db):
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        facts = db.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
        acked = int(meta.get("facts_acked", 0))
        oldest = db.execute("SELECT min(recorded_at) FROM fact WHERE number > ?", (acked,)).fetchone()[0]
    return {
        "store": meta.get("store", ""),
        "incarnation": meta.get("incarnation", ""),
        "facts": facts,
        "unsent": max(facts - acked, 0),
        "oldest_unsent_at": oldest or 0,
        "decisions": int(meta.get("decisions_number", 0)),
    }


def trusting(root: Path | None) -> ssl.SSLContext:
    """What this machine trusts, and the root of the store's own certificate."""
    context = ssl.create_default_context()
    if root is not None and root.exists():
        context.load_verify_locations(root)
    return context


def running(url: str, root: Path | None = None) -> dict[str, Any] | None:
    """What the node at this address says of itself; None when nobody answers. `root`: trusted too."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", timeout=3.0, verify=trusting(root))
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return found


def export(data: Path, file: Path, *, unsent: bool) -> int:
    db = opened(data)
    if db is None:
        return 0
    count = 0
    with contextlib.closing(db), file.open("w", encoding="utf-8") as out:
        acked = db.execute("SELECT value FROM meta WHERE key = 'facts_acked'").fetchone()
        above = int(acked[0]) if unsent and acked else 0
        for row in db.execute(
            "SELECT number, chain, raw FROM fact WHERE number > ? ORDER BY number", (above,)
        ):
            fact = json.loads(bytes(row["raw"]))
            out.write(
                json.dumps({"number": row["number"], "chain": row["chain"], "fact": fact}, ensure_ascii=False)
                + "\n"
            )
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return count


def examine(
    data: Path,
    *,
    store: str,
    centre: str,
    url: str,
    translate: Callable[[str], str],
    own: Path | None = None,
) -> list[Check]:
    """`own`: a certificate that the store's people brought."""
    _ = translate
    checks: list[Check] = []

    def say(name: str, good: bool, text: str, bad: str = "bad") -> None:
        checks.append(Check(name, "ok" if good else bad, text))

    sqlite.check_build()
    import sqlite3

    say("sqlite", True, sqlite3.sqlite_version)
    say("clock", time.time() > EARLIEST_S, time.strftime("%Y-%m-%d %H:%M:%S %Z"))
    folder = data if data.exists() else data.parent
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free // 2**20
    say("disk", free > FREE_MB, _(N_("{n} MB free")).format(n=free))
    say("folder", os.access(folder, os.W_OK), str(data))
    checks += look_at_record(data, store, _)
    checks += look_at_printers(data, _)
    checks += look_at_handhelds(data, _)
    say("scripts", all(content(name) for name in SCRIPTS), ", ".join(SCRIPTS))
    if centre:
        say("centre", reaches(centre), centre, "note")
    alive = running(url, data / "tls" / "root.pem")
    if alive is None:
        checks.append(Check("pages", "note", _(N_("The node does not answer at {url}.")).format(url=url)))
    else:
        say(
            "line",
            alive["line"] == "up",
            _(N_("{n} facts wait to be sent")).format(n=alive["unsent"]),
            "note",
        )
    checks.append(look_at_certificate(data, own, _))
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.hostname or "") in ("localhost", "127.0.0.1", "::1")
    say(
        "address",
        secure,
        _(N_("Secure for browsers"))
        if secure
        else _(
            N_("Plain HTTP: no offline work on handhelds, no camera, and browsers may forget what they keep")
        ),
        "note",
    )
    return checks


def look_at_certificate(data: Path, own: Path | None, _: Callable[[str], str]) -> Check:
    """What handhelds are shown, from the files alone: the node need not run."""
    from pwa.secure.papers import read_paper

    path = own or data / "tls" / "node.pem"
    if not path.exists():
        return Check(
            "certificate",
            "bad" if own else "note",
            _(N_("None. Handhelds get no offline work and no camera, unless a proxy speaks HTTPS.")),
        )
    try:
        paper = read_paper(path.read_bytes(), own=own is not None)
    except (OSError, ValueError, IndexError) as trouble:
        return Check("certificate", "bad", f"{path}: {trouble}")
    now = time.time_ns() // 1_000_000
    state = paper.life.state(now)
    day = time.strftime("%Y-%m-%d", time.localtime(paper.life.ends / 1000))
    text = _(N_("Until {day}, {n} days left: {names}")).format(
        day=day, n=paper.life.days_left(now), names=", ".join(paper.names)
    )
    if state == "expired":
        text += ". " + _(N_("It has ended: a new handheld cannot open the pages. The line renews it."))
    elif state == "late" and not own:
        text += ". " + _(N_("It should have been renewed: look at the line, and at `yipan ca show`."))
    return Check("certificate", {"expired": "bad", "late": "note"}.get(state, "ok"), text)


def look_at_record(data: Path, store: str, _: Callable[[str], str]) -> list[Check]:
    db = opened(data)
    if db is None:
        return [Check("record", "note", _(N_("No record yet: the first start makes one.")))]
    with contextlib.closing(db):
        try:
            sound = db.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite.Error as error:
            sound = str(error)
        if sound != "ok":
            return [Check("record", "bad", sound)]
    found = record(data)
    assert found is not None
    whose = found["store"]
    mine = not store or whose == store
    text = _(N_("Store {store}, {n} facts, {unsent} not sent yet")).format(
        store=whose, n=found["facts"], unsent=found["unsent"]
    )
    return [Check("record", "ok" if mine else "bad", text)]


def look_at_handhelds(data: Path, _: Callable[[str], str]) -> list[Check]:
    """The list lies in this record alone: a new box may have a policy that lets nobody in."""
    db = opened(data)
    if db is None:
        return []
    from sync.replica import handhelds

    with contextlib.closing(db):
        try:
            listed = db.execute(
                "SELECT count(*) FROM handheld WHERE key_hash <> '' AND ended_at = 0"
            ).fetchone()[0]
            shut = handhelds.only_listed(db) and not listed
        except sqlite.Error:  # a record that the node of this release has not opened yet
            return []
    text = _(N_("{n} set up")).format(n=listed)
    none = _(N_("Only listed ones may sign in, and none is: `yipan-store handheld add NAME` shows a code."))
    return [Check("handhelds", "bad" if shut else "ok", none if shut else text)] if listed or shut else []


def look_at_printers(data: Path, _: Callable[[str], str]) -> list[Check]:
    """Whether each printer takes a call, and whether Chinese can be drawn. Nothing where no printer is."""
    db = opened(data)
    if db is None:
        return []
    from sync.replica import printing

    with contextlib.closing(db):
        try:
            found = printing.printers(db)
        except sqlite.Error:  # a record that the node of this release has not opened yet
            return []
    if not found:
        return []
    from pwa.printing.letters import chinese_font

    font = chinese_font()
    none = _(N_("No font with Chinese letters: English names are printed. Install fonts-noto-cjk."))
    checks = [Check("print font", "ok" if font else "note", font or none)]
    for one in found:
        good = listens(one.host, one.port)
        text = f"{one.name} ({one.kind}) {one.host}:{one.port}"
        silent = _(N_("The printer does not answer: is it on, does it have paper?"))
        checks.append(Check("printer", "ok" if good else "note", text if good else f"{text}: {silent}"))
    return checks


def reaches(centre: str) -> bool:
    parts = urlsplit(centre)
    return listens(parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80))


def listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False
