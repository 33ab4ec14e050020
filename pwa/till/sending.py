"""`yipan-store till-file`: a file on this machine to the node that runs here, or into its folder."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sync.texts import N_

WAIT_S = 300.0


@dataclass(frozen=True)
class Sent:
    """What became of one file. Exit codes as everywhere: 0 done, 1 in part, 3 could not be done."""

    DONE: ClassVar[int] = 0
    IN_PART: ClassVar[int] = 1
    FAILED: ClassVar[int] = 3

    file: Path
    exit: int
    report: dict[str, Any]

    def lines(self, translate: Callable[[str], str]) -> list[str]:
        report = self.report
        if report.get("laid"):
            text = translate(N_("{file}: no node answers; laid into {folder}, to be booked when it starts."))
            return [text.format(file=self.file.name, folder=report["laid"])]
        if "booked" not in report:
            return [f"{self.file.name}: {report.get('detail') or report.get('error')}"]
        text = translate(
            N_("{file}: {booked} booked, {repeated} known before, {unclear} unclear, {broken} broken.")
        )
        named = {key: report[key] for key in ("booked", "repeated", "unclear", "broken")}
        found = [text.format(file=self.file.name, **named)]
        return found + [f"  {one['line']}: {one['message']}" for one in report["problems"]]


def send(file: Path, url: str, *, key: str, folder: Path, columns: str, language: str) -> Sent:
    query = urllib.parse.urlencode({"name": file.name, **({"columns": columns} if columns else {})})
    request = urllib.request.Request(
        f"{url}/till/files?{query}",
        data=file.read_bytes(),
        headers={
            "Authorization": f"Bearer {key}",
            "Accept-Language": language,
            "Content-Type": "application/octet-stream",
            "X-Till": "file",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            report = json.load(answer)
            return Sent(file, Sent.DONE if answer.status == 200 else Sent.IN_PART, report)
    except urllib.error.HTTPError as refused:
        return Sent(file, Sent.FAILED, _body(refused))
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return Sent(file, Sent.DONE, {"laid": str(lay(file, folder))})


def lay(file: Path, folder: Path) -> Path:
    """Whole or not at all: the node never sees half a file."""
    goal = folder / "in" / file.name
    goal.parent.mkdir(parents=True, exist_ok=True)
    half = goal.with_name(f".{goal.name}.part")
    shutil.copyfile(file, half)
    with half.open("rb") as copied:
        os.fsync(copied.fileno())
    half.rename(goal)
    return goal.parent


def _body(refused: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        found = json.loads(refused.read())
    except ValueError:
        found = {}
    return found if isinstance(found, dict) and found else {"error": f"HTTP {refused.code}"}
