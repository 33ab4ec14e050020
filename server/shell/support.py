"""`yipan support read CODE`: what a handheld's code says, for the help desk."""

from __future__ import annotations

import click

from server.shell.say import Stop, tell
from sync.support import Unreadable, lines, unpack


@click.group()
def support() -> None:
    """For the help desk."""


@support.command("read")
@click.argument("code", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def read(code: tuple[str, ...], as_json: bool) -> None:
    """What the CODE of a handheld's page "What now?" says. Spaces and dashes do not matter."""
    try:
        found = unpack("".join(code))
    except Unreadable:
        raise Stop(
            "that is no support code, or signs of it are missing: ask for it once more.", code=2
        ) from None
    tell(found, as_json=as_json, text="\n".join(lines(found)))
