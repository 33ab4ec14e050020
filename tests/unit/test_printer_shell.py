"""Setting printers up from the store box, with the node running or not."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pwa.cli import main
from pwa.doctor import look_at_printers
from pwa.printing import letters
from pwa.printing.shell import split
from tests import kit_pwa as kit
from tests.kit_printers import printer


def told(*words: str) -> str:
    answer = CliRunner().invoke(main, ["printer", *words])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_printers_are_added_changed_listed_and_taken_away(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")  # its connection stays open, as a running node's
    data = ("--data", str(tmp_path))
    told("add", "labels", "--kind", "zpl", "--address", "10.0.0.5", *data)
    told("add", "labels", "--kind", "zpl", "--address", "10.0.0.6:9101", "--width-mm", "58", *data)
    told("add", "office", "--kind", "pdf", "--address", "printer.lan", *data)
    found = json.loads(told("list", "--json", *data))
    assert [(one["name"], one["host"], one["port"], one["width_mm"]) for one in found] == [
        ("labels", "10.0.0.6", 9101, 58.0),
        ("office", "printer.lan", 9100, 210.0),
    ]
    node.packed(1, [(kit.GOODS[0][0], 1)])
    told("remove", "labels", *data)
    assert "labels" not in told("list", *data)
    job = node.db.execute("SELECT state, trouble FROM print_job").fetchone()
    assert tuple(job) == ("stopped", "removed")
    assert CliRunner().invoke(main, ["printer", "remove", "labels", *data]).exit_code == 1


def test_without_a_record_the_shell_says_so(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["printer", "list", "--data", str(tmp_path)])
    assert answer.exit_code == 1
    assert "No record yet" in answer.output


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("10.0.0.5", ("10.0.0.5", 9100)),
        ("printer.lan:6101", ("printer.lan", 6101)),
        ("[fe80::1]:9100", ("fe80::1", 9100)),
        ("fe80::1", ("fe80::1", 9100)),
    ],
)
def test_addresses_are_understood(given: str, meant: tuple[str, int]) -> None:
    assert split(given) == meant


@pytest.mark.parametrize("given", ["", ":9100", "printer:port", "printer:99999"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(click.UsageError):
        split(given)


async def test_the_doctor_says_which_printer_is_silent_and_that_a_font_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.store(tmp_path / "replica.db")
    assert look_at_printers(tmp_path, str) == []
    async with printer() as dead:
        port = dead.port
    told("add", "labels", "--kind", "zpl", "--address", f"127.0.0.1:{port}", "--data", str(tmp_path))
    monkeypatch.setattr(letters, "chinese_font", lambda: "")
    font, silent = look_at_printers(tmp_path, str)
    assert (font.state, silent.state) == ("note", "note")
    assert "fonts-noto-cjk" in font.text
    assert "does not answer" in silent.text
