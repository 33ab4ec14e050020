"""Files of tills that tell at night what they sold: dropped into a folder, or sent to the node.

A file is worked through in bites of one transaction each. Every row is booked once by its own number, so a
node that was killed in the middle just starts the same file again, and files may overlap. The file leaves the
folder only when its last row is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from pwa.node import Node
from pwa.texts import zone
from pwa.till.reading import BrokenLine, Read, Unreadable, read_file
from sync.agent.writer import NodeTrouble
from sync.replica.commands.till_rows import TillRow
from sync.sqlite import Connection
from sync.texts import N_

LOG = structlog.get_logger("pwa.till")

BITE = 100
MOST_BYTES = 24 * 1024 * 1024
MOST_PROBLEMS = 200
"""Lines that a report names; it counts the others."""
LOOK_S = 5.0
SETTLED_S = 2.0
"""A file that was not touched for so long is believed to be whole."""
KEEP_DONE = 400
PERSON = "till"

UNCLEAR: dict[str, str] = {
    "unknown_code": N_("Nobody knows the code {code}. It is told to the centre and tried again."),
    "number_used": N_("The number {sale} was used before for other goods. It is told to the centre."),
    "unknown_sale": N_("The sale {sale} is not known here. Send it, then this line again."),
    "too_many": N_("More came back of {sale} than it had. It is told to the centre."),
    "not_whole": N_("{code} was not sold in whole units. It is told to the centre."),
}
"""Why a row was recorded and not booked."""
DEBT = N_("{debt} of {code} were sold beyond the share. Promised to: {promised}.")
DOUBT = N_("{code} was counted about the time it was sold: count it once more.")


async def take_file(
    node: Node, name: str, data: bytes, *, new_id: Callable[[], str], columns: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Book a file; its report. `Unreadable`: there is no telling what it says. `NodeTrouble`: not all is."""
    digest = hashlib.sha256(data).hexdigest()[:24]
    place = await node.read(_zone)
    now = node.status().moment.now
    try:
        found = await asyncio.to_thread(read_file, data, zone=zone(place), now=now, columns=columns)
    except Unreadable as trouble:
        report = _report(digest, Read(), Counter(), [_problem(0, "broken", trouble.text, trouble.values)])
        await _keep(node, name, digest, report | {"broken": 1}, new_id)
        raise
    counts: Counter[str] = Counter()
    problems = [_of_broken(line) for line in found.broken]
    for start in range(0, len(found.rows), BITE):
        bite = found.rows[start : start + BITE]
        for (number, row), taken in zip(bite, await take_rows(node, bite, new_id()), strict=True):
            counts[taken["state"]] += 1
            counts["counted"] += bool(taken.get("counted"))
            problems += problems_of(number, row, taken)
    report = _report(digest, found, counts, problems)
    await _keep(node, name, digest, report, new_id)
    return report


async def take_rows(node: Node, rows: list[tuple[int, TillRow]], command: str) -> list[dict[str, Any]]:
    outcome = await node.perform(
        "till_rows",
        {"rows": [row for _, row in rows]},
        command_id=f"file.{command}",
        person=PERSON,
        device="file",
    )
    assert outcome.ok, outcome.refusal
    taken: list[dict[str, Any]] = outcome.result["rows"]
    return taken


def problems_of(number: int, row: TillRow, taken: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a person should look at about a row; nothing for most."""
    values = {"code": row.code, "sale": row.of or row.sale, "debt": taken.get("debt", 0)}
    values["promised"] = ", ".join(taken.get("promised_to", ())) or "–"
    if taken["state"] == "unclear":
        text = UNCLEAR.get(taken["reason"], N_("{sale} could not be booked."))
        return [_problem(number, "unclear", text, values, row.said, taken["reason"])]
    found = []
    if taken.get("debt"):
        found.append(_problem(number, "debt", DEBT, values, row.said))
    if row.what != "return" and taken.get("doubt"):
        found.append(_problem(number, "doubt", DOUBT, values, row.said))
    return found


async def _keep(
    node: Node, name: str, digest: str, report: dict[str, Any], new_id: Callable[[], str]
) -> None:
    args = {"name": name, "digest": digest, "report": report}
    await node.perform("till_file", args, command_id=f"file.{new_id()}", person=PERSON, device="file")


def _report(
    digest: str, found: Read, counts: Mapping[str, int], problems: list[dict[str, Any]]
) -> dict[str, Any]:
    times = [row.at for _, row in found.rows if not row.within]
    return {
        "digest": digest,
        "rows": len(found.rows) + len(found.broken) + found.skipped,
        "booked": counts.get("booked", 0),
        "repeated": counts.get("repeated", 0),
        "counted": counts.get("counted", 0),
        "unclear": counts.get("unclear", 0),
        "broken": len(found.broken),
        "skipped": found.skipped,
        "first_at": min(times, default=0),
        "last_at": max(times, default=0),
        "problems": sorted(problems, key=lambda one: one["line"])[:MOST_PROBLEMS],
        "unnamed": max(0, len(problems) - MOST_PROBLEMS),
    }


def _of_broken(line: BrokenLine) -> dict[str, Any]:
    return _problem(line.line, "broken", line.text, line.values, line.said)


def _problem(
    line: int, state: str, text: str, values: Mapping[str, Any], said: str = "", reason: str = ""
) -> dict[str, Any]:
    """`text` is a message id: it is translated for whoever reads it."""
    found = {"line": line, "state": state, "text": text, "values": dict(values), "said": said}
    return found | ({"reason": reason} if reason else {})


def _zone(db: Connection) -> str:
    row = db.execute(
        "SELECT timezone FROM store WHERE code = (SELECT value FROM meta WHERE key = 'store')"
    ).fetchone()
    return str(row[0]) if row else "UTC"


class Folder:
    """`in`: what tills drop here. `done` and `failed`: what became of it, each with a report beside it."""

    def __init__(
        self, path: Path, node: Node, new_id: Callable[[], str], columns: Mapping[str, str] | None = None
    ) -> None:
        self.path, self.node, self.new_id, self.columns = path, node, new_id, columns
        for name in ("in", "done", "failed"):
            (path / name).mkdir(parents=True, exist_ok=True)

    async def keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (OSError, NodeTrouble) as trouble:
                LOG.warning("till files", trouble=str(trouble))
            except Exception:
                LOG.exception("till files")

    async def look(self, *, settled_s: float = SETTLED_S) -> int:
        """Work through what lies there, the oldest first; how many files were done."""
        done = 0
        for file in await asyncio.to_thread(self._waiting, settled_s):
            done += 1
            await self._take(file)
        return done

    def _waiting(self, settled_s: float) -> list[Path]:
        import time

        found = []
        for file in (self.path / "in").iterdir():
            with contextlib.suppress(OSError):
                status = file.stat()
                if (
                    file.is_file()
                    and not file.name.startswith(".")
                    and not file.name.endswith((".tmp", ".part"))
                ):
                    found.append((status.st_mtime_ns, file.name, file))
        settled = (time.time() - settled_s) * 1e9
        return [file for at, _, file in sorted(found) if at <= settled]

    async def _take(self, file: Path) -> None:
        if file.stat().st_size > MOST_BYTES:
            return self._away(file, "failed", {"error": "too large", "most_bytes": MOST_BYTES})
        data = await asyncio.to_thread(file.read_bytes)
        try:
            report = await take_file(self.node, file.name, data, new_id=self.new_id, columns=self.columns)
        except Unreadable as trouble:
            LOG.warning("till file", name=file.name, trouble=trouble.text.format(**trouble.values))
            return self._away(file, "failed", {"error": trouble.text.format(**trouble.values)})
        LOG.info("till file", name=file.name, **{k: v for k, v in report.items() if isinstance(v, int)})
        return self._away(file, "done", report)

    def _away(self, file: Path, where: str, report: dict[str, Any]) -> None:
        """Out of `in` last: a node killed before that works the same file through again, to no effect."""
        goal = self.path / where / file.name
        number = 1
        while goal.exists():
            number += 1
            goal = self.path / where / f"{file.stem}~{number}{file.suffix}"
        goal.with_name(goal.name + ".report.json").write_text(
            json.dumps(report, ensure_ascii=False, indent=1)
        )
        os.replace(file, goal)
        old = sorted((self.path / where).iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for one in old[: max(0, len(old) - KEEP_DONE)]:
            one.unlink(missing_ok=True)
