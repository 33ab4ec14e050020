"""The command line: plain errors, exit codes, JSON, and no web framework loaded for a question."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from sync import sqlite

ROOT = Path(__file__).resolve().parents[2]


def yipan(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server.cli", "--data", str(data), *words],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "centre"
    made = yipan(folder, "init", "--manager", "boss", "--pin", "123456", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["new"] is True
    return folder


def test_without_a_centre_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    person = ["person", "add", "a", "--name", "A", "--role", "hq_ops"]
    for words in (["status"], ["doctor"], ["serve"], ["backup", "x.db"], person):
        answer = yipan(tmp_path / "no", *words)
        assert answer.returncode == 3, words
        assert "init" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_store_is_added_and_its_token_shown_once(data: Path) -> None:
    words = ["store", "add", "S001", "--name", "Nanjing Road", "--region", "EAST", "--hours", "10:00-22:00"]
    token = json.loads(yipan(data, *words, "--json").stdout)["token"]
    assert len(token) >= 26
    assert token.encode() not in (data / "centre.db").read_bytes()
    again = yipan(data, *words)
    assert again.returncode == 1
    assert "store token S001" in again.stderr
    new = json.loads(yipan(data, "store", "token", "S001", "--json").stdout)["token"]
    assert new != token
    assert yipan(data, "store", "token", "S404").returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ["person", "add", "x", "--name", "X", "--role", "emperor"],
        ["person", "add", "x", "--name", "X", "--role", "associate"],
        ["person", "add", "x", "--name", "X", "--role", "hq_ops", "--pin", "12"],
        ["store", "add", "S 1", "--name", "X", "--region", "EAST"],
        ["store", "add", "S2", "--name", "X", "--region", "EAST", "--timezone", "Mars/Olympus"],
        ["channel", "add", "c", "--scopes", "everything"],
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_changes_nothing(data: Path, words: list[str]) -> None:
    before = json.loads(yipan(data, "status", "--json").stdout)
    answer = yipan(data, *words)
    assert answer.returncode == 1
    assert re.match(r"yipan: .{10,}\.$", answer.stderr.strip()), answer.stderr
    assert json.loads(yipan(data, "status", "--json").stdout) == before


def test_a_file_with_bad_lines_is_taken_in_part_and_says_which(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text('sku,name_en,gtins\nA,Apple,\nB,"Bro\nC,Cap,123\n')
    answer = yipan(data, "load", "items", str(file))
    assert answer.returncode == 1
    assert "line 3" in answer.stdout
    assert "line 4" in answer.stdout
    found = json.loads(yipan(data, "load", "items", str(file), "--json").stdout)
    assert (found["good"], found["bad"]) == (1, 2)
    assert yipan(data, "load", "items", str(tmp_path / "nothing.csv")).returncode == 2


def test_the_doctor_names_what_to_mend(data: Path, tmp_path: Path) -> None:
    sick = yipan(data, "doctor", "--json")
    checks = {one["what"]: one for one in json.loads(sick.stdout)["checks"]}
    assert sick.returncode == 1
    assert not checks["Backup"]["ok"]
    assert "backup" in checks["Backup"]["next_step"]
    assert checks["Rights add up"]["ok"]
    assert yipan(data, "backup", str(tmp_path / "b.db")).returncode == 0
    checks = {one["what"]: one for one in json.loads(yipan(data, "doctor", "--json").stdout)["checks"]}
    assert checks["Backup"]["ok"]


def test_a_backup_is_put_back_and_a_file_that_is_none_is_refused(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "b.db"
    assert yipan(data, "backup", str(copy)).returncode == 0
    yipan(data, "store", "add", "S009", "--name", "After", "--region", "EAST")
    assert json.loads(yipan(data, "status", "--json").stdout)["stores"] == 1
    (tmp_path / "rubbish.db").write_bytes(b"not a database")
    bad = yipan(data, "restore", str(tmp_path / "rubbish.db"), "--yes")
    assert bad.returncode == 3
    assert "Traceback" not in bad.stderr
    assert json.loads(yipan(data, "status", "--json").stdout)["stores"] == 1
    assert yipan(data, "restore", str(copy), "--yes").returncode == 0
    assert json.loads(yipan(data, "status", "--json").stdout)["stores"] == 0


def test_after_a_restore_stores_that_are_not_heard_are_named_and_a_person_goes_on_without_them(
    data: Path, tmp_path: Path
) -> None:
    def said(*words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(yipan(data, "store", "unheard", *words, "--json").stdout)
        return found

    for code in ("S001", "S002"):
        yipan(data, "store", "add", code, "--name", code, "--region", "EAST")
    yipan(data, "person", "add", "boss", "--name", "Boss", "--role", "hq_ops")
    assert said() == {"unheard": [], "without": [], "waiting": 0}
    yipan(data, "backup", str(tmp_path / "b.db"))
    assert "store unheard" in yipan(data, "restore", str(tmp_path / "b.db"), "--yes").stdout
    assert said()["unheard"] == ["S001", "S002"]
    assert yipan(data, "store", "unheard", "--without", "S001").returncode == 1, "somebody decides it"
    assert yipan(data, "store", "unheard", "--without", "S009", "--by", "boss").returncode == 1
    assert said("--without", "S001", "--by", "boss") == {
        "unheard": ["S002"],
        "without": ["S001"],
        "waiting": 0,
    }
    assert said("--without-all", "--by", "boss")["unheard"] == []
    assert "Every store was heard" in yipan(data, "store", "unheard").stdout


def test_a_port_that_is_taken_is_said_so(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = yipan(data, "serve", "--port", str(taken.getsockname()[1]))
    assert answer.returncode == 3
    assert "--port" in answer.stderr


def test_help_and_small_commands_load_no_web_framework() -> None:
    code = (
        "import sys; sys.argv = ['yipan', '--help']\n"
        "from server.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('litestar', 'sqlmodel', 'sqlalchemy', 'uvicorn') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert answer.stdout.strip().endswith("[]"), answer.stdout[-200:]


def test_every_command_named_in_the_help_exists() -> None:
    from server.cli import COMMANDS, Lazy
    from server.cli import yipan as group

    assert isinstance(group, Lazy)
    for name in COMMANDS:
        assert group.get_command(click.Context(group), name) is not None, name


def test_a_policy_is_set_in_plain_words_and_store_nodes_hear_of_theirs(data: Path) -> None:
    assert yipan(data, "policy", "set", "accept_s", "900", "--kind", "pickup").returncode == 0
    assert yipan(data, "policy", "set", "till_mode", "block").returncode == 0
    found = json.loads(yipan(data, "policy", "list", "--json").stdout)
    assert found["set"] == {"accept_s::pickup": "900", "till_mode": "block"}
    assert found["policies"]["accept_s"] == "1800"
    with sqlite.connect(data / "centre.db") as db:
        sent = db.execute("SELECT body FROM stream_row WHERE stream = 'policy'").fetchone()
    assert json.loads(sent[0]) == {"value": "block"}
    for words in (["till_mode", "shout"], ["accept_s", "soon"], ["no_such", "1"], ["wave_max", "0"]):
        answer = yipan(data, "policy", "set", *words)
        assert answer.returncode == 2, words
        assert "Traceback" not in answer.stderr
        assert answer.stderr.startswith("yipan: "), answer.stderr


def test_a_view_is_set_listed_and_loaded_in_plain_words(data: Path, tmp_path: Path) -> None:
    assert yipan(data, "channel", "add", "tmall").returncode == 0
    words = ["--channel", "tmall", "--safety-stock", "1", "--quota", "200", "--days", "7"]
    assert yipan(data, "views", "set", *words).returncode == 0
    found = json.loads(yipan(data, "views", "list", "--json").stdout)["views"]
    assert [(one["kind"], one["value"], one["days"]) for one in found] == [
        ("quota", 200, 7), ("safety_stock", 1, 0),
    ]  # fmt: skip
    file = tmp_path / "views.csv"
    file.write_text("channel,sku,percent\ntmall,TEE-*,30%\ntmal,*,50\n")
    answer = yipan(data, "load", "views", str(file))
    assert answer.returncode == 1
    assert "line 3: There is no channel tmal." in answer.stdout
    assert "percent" in yipan(data, "views", "list", "--sku", "TEE-1").stdout
    assert "percent" not in yipan(data, "views", "list", "--sku", "CAP").stdout
    wrong = yipan(data, "views", "set", "--channel", "tmall", "--store", "S9", "--safety-stock", "1")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("yipan: There is no store S9.")
