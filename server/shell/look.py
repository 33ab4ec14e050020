"""`yipan status` and `yipan doctor`: what goes on, and what to mend."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click

from server.shell.say import as_json, database, opened, tell

LOW_DISK = 1_000_000_000
OLD_BACKUP_MS = 26 * 3600 * 1000


@click.command()
@as_json
@click.pass_obj
def status(data_dir: Path, as_json: bool) -> None:
    """Stores, offers, unsent facts and cases, as the database has them now."""
    from server.config import wall_clock

    now = wall_clock()
    with opened(data_dir) as db:
        found = status_now(db, now)
    lines = [
        f"{found['stores']} stores, {found['lines_up']} lines up, {found['lines_down']} down",
        f"{found['offers']} offers wait, {found['owned']} owned, {found['unroutable']} without a store",
        f"{found['unsent']} facts not sent (as far as known), {found['cases']} cases open",
        f"{found['messages_waiting']} messages wait to be sent, {found['messages_given_up']} given up",
    ]
    for one in found["down"][:20]:
        lines.append(f"  {one['store']} {one['name']}: line down for {one['minutes']} min")
    tell(found, as_json=as_json, text="\n".join(lines))


def status_now(db: sqlite3.Connection, now: int) -> dict[str, Any]:
    """Counts only; nothing about persons."""

    def one(sql: str, *args: Any) -> int:
        return int(db.execute(sql, args).fetchone()[0] or 0)

    down = db.execute(
        "SELECT s.code, s.name_en, n.closed_at FROM store_session n JOIN store s ON s.code = n.store"
        " WHERE n.closed_at > 0 AND s.active ORDER BY n.closed_at"
    ).fetchall()
    return {
        "stores": one("SELECT COUNT(*) FROM store WHERE active"),
        "lines_up": one("SELECT COUNT(*) FROM store_session WHERE connected_at > 0 AND closed_at = 0"),
        "lines_down": len(down),
        "down": [
            {"store": row[0], "name": row[1], "since": row[2], "minutes": max(0, now - row[2]) // 60_000}
            for row in down
        ],
        "offers": one("SELECT COUNT(*) FROM assignment WHERE ended_at = 0 AND ownership = 'none'"),
        "owned": one(
            "SELECT COUNT(*) FROM assignment"
            " WHERE ended_at = 0 AND ownership = 'confirmed' AND released_at = 0"
        ),
        "unroutable": one("SELECT COUNT(*) FROM fulfilment_order WHERE state IN ('waiting', 'person')"),
        "unsent": one("SELECT SUM(unsent) FROM store_session"),
        "cases": one("SELECT COUNT(*) FROM open_case WHERE state = 'open'"),
        "messages_waiting": one("SELECT COUNT(*) FROM outgoing WHERE state = 'waiting'"),
        "messages_given_up": one("SELECT COUNT(*) FROM outgoing WHERE state = 'given_up'"),
    }


@click.command()
@as_json
@click.pass_obj
def doctor(data_dir: Path, as_json: bool) -> int:
    """Check this installation. Exit code 1 when something should be mended."""
    checks = examine(data_dir)
    bad = [one for one in checks if not one["ok"]]
    lines = []
    for one in checks:
        lines.append(f"{'ok  ' if one['ok'] else 'MEND'} {one['what']}: {one['found']}")
        if not one["ok"]:
            lines.append(f"     {one['next_step']}")
    lines.append("All is well." if not bad else f"{len(bad)} of {len(checks)} to mend.")
    tell({"ok": not bad, "checks": checks}, as_json=as_json, text="\n".join(lines))
    return 1 if bad else 0


def examine(data_dir: Path) -> list[dict[str, Any]]:
    """Every check with what was found and, where it is not well, what to do."""
    from server.config import wall_clock
    from server.schema import HEAD, revision

    checks: list[dict[str, Any]] = []

    def check(what: str, ok: bool, found: str, next_step: str) -> None:
        checks.append({"what": what, "ok": ok, "found": found, "next_step": "" if ok else next_step})

    check("Python", sys.version_info >= (3, 11), sys.version.split()[0], "Install Python 3.11 or newer.")
    build = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    check("SQLite", build >= (3, 51, 3), sqlite3.sqlite_version, "Install pysqlite3 0.6.1 or newer.")
    static = Path(__file__).resolve().parent.parent / "static" / "lib"
    missing = [name for name in ("htmx.min.js", "hx-sse.min.js") if not (static / name).exists()]
    check(
        "Scripts of the pages",
        not missing,
        ", ".join(missing) or "all there",
        "Run `make` once; it copies them.",
    )
    free = shutil.disk_usage(data_dir if data_dir.exists() else Path()).free
    check("Disk", free > LOW_DISK, f"{free / 1e9:.1f} GB free", "Make room: a full disk stops new orders.")
    path = database(data_dir)
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = revision(db)
        check("Schema", found == HEAD, found or "none", f"Run: yipan --data {data_dir} init")
        answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        check("Database", answer == "ok", answer, "Stop the centre and restore the newest backup.")
        if found != HEAD:
            return checks
        wrong = db.execute(
            "SELECT COUNT(*) FROM stock WHERE on_hand + debt <> reserved + share + pool"
        ).fetchone()[0]
        check("Rights add up", wrong == 0, f"{wrong} rows differ", "Open a case; do not correct by hand.")
        row = db.execute("SELECT value FROM meta WHERE key = 'backed_up_at'").fetchone()
        age = wall_clock() - int(row[0]) if row else -1
        check(
            "Backup",
            0 <= age < OLD_BACKUP_MS,
            f"{age // 3_600_000} h old" if row else "none yet",
            f"Run every day: yipan --data {data_dir} backup FILE",
        )
        managers = db.execute(
            "SELECT COUNT(*) FROM person WHERE active AND role IN ('hq_ops', 'regional_manager')"
        ).fetchone()[0]
        check(
            "Managers", managers > 0, str(managers), "Add one: yipan person add ID --name NAME --role hq_ops"
        )
        tokens = db.execute("SELECT COUNT(*) FROM store WHERE active AND token_hash = ''").fetchone()[0]
        check("Stores with a node's token", tokens == 0, f"{tokens} without", "Run: yipan store token CODE")
        active = {row[0] for row in db.execute("SELECT code FROM store WHERE active")}
        checks += look_at_authority(data_dir, active, wall_clock())
        given_up = db.execute("SELECT COUNT(*) FROM outgoing WHERE state = 'given_up'").fetchone()[0]
        check(
            "Messages",
            given_up == 0,
            f"{given_up} given up",
            "Look at the page Messages; check the receiver.",
        )
    finally:
        db.close()
    return checks


def look_at_authority(data_dir: Path, active: set[str], now: int) -> list[dict[str, Any]]:
    """Nothing where none was made: stores may have certificates of their own."""
    folder = data_dir / "ca"
    if not (folder / "root.pem").exists():
        return []
    from server.certificates.authority import CannotIssue, load
    from sync.rules.certificates import DAY_MS, Life

    try:
        authority = load(folder)
    except (CannotIssue, OSError) as trouble:
        return [
            {
                "what": "Certificates",
                "ok": False,
                "found": str(trouble),
                "next_step": "Renewals stop until then.",
            }
        ]
    assert authority is not None
    late = [
        store
        for store, one in authority.newest().items()
        if store in active
        and Life(int(str(one["begins"])), int(str(one["ends"]))).state(now) in ("late", "expired")
    ]
    days = (authority.ends - now) // DAY_MS
    ok = days > 365 and not late
    found = f"root {days} days, {len(late)} stores not renewed" + (f": {', '.join(late[:5])}" if late else "")
    step = (
        "Look at these stores' lines; `yipan ca show`."
        if late
        else "Plan a new root: handhelds need it first."
    )
    return [{"what": "Certificates", "ok": ok, "found": found, "next_step": "" if ok else step}]
