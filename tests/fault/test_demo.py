"""`yipan demo` as a visitor or a machine runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "server.cli", "demo"]


def processes_of(folder: Path) -> list[str]:
    """Whoever still works on this demo's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words and int(process.name) != os.getpid():
            found.append(process.name)
    return found


@pytest.mark.slow
def test_the_demo_without_a_person_plays_its_script_keeps_every_rule_and_prints_one_json_object(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [*COMMAND, "--seconds", "40", "--json", "--keep", str(folder)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    result = json.loads(done.stdout)
    assert result["ok"], (result["rules"], result["details"], result["story"], result["settled"])
    assert done.returncode == 0
    assert set(result["rules"].values()) == {0}
    assert len(result["steps"]) >= 17
    assert all(result["steps"].values()), result["steps"]
    assert result["happened"]["accepted_provisionally"] >= 2
    assert result["happened"]["lapsed"] >= 1
    assert result["happened"]["put_back_units"] >= 1
    assert result["happened"]["returns"] >= 1
    assert result["messages"]["forged"] == 0
    assert processes_of(folder) == []


@pytest.mark.slow
def test_ctrl_c_ends_a_visit_and_every_process_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    visit = subprocess.Popen(
        [*COMMAND, "--stores", "2", "--keep", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert visit.stdout is not None
        until = time.monotonic() + 90
        for line in visit.stdout:
            if "Ctrl-C ends everything" in line:
                break
            assert time.monotonic() < until
        assert len(processes_of(folder)) >= 3
        visit.send_signal(signal.SIGINT)
        words = visit.stdout.read()
        assert visit.wait(60) == 0, words
        assert "Every rule was kept." in words
        assert processes_of(folder) == []
    finally:
        if visit.poll() is None:
            visit.kill()
