"""`yipan-store support read CODE`: what a handheld's code says, for whoever helps at the store's box."""

from __future__ import annotations

import json

import click

from pwa.printing.shell import words
from sync.support import Unreadable, lines, unpack
from sync.texts import N_


@click.group()
def support() -> None:
    """For whoever helps people at handhelds."""


@support.command("read")
@click.argument("code", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True)
def read(code: tuple[str, ...], as_json: bool) -> None:
    """What the CODE of a handheld's page "What now?" says."""
    try:
        found = unpack("".join(code))
    except Unreadable as trouble:
        text = words()(N_("This is no support code, or signs of it are missing."))
        raise click.ClickException(text) from trouble
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines(found)))
