"""`yipan-store handheld`: a code for the first one, the list, the end of a lost one. Works beside a node."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from pwa.options import data_option
from pwa.printing.shell import record, words
from sync.ids import short_secret
from sync.replica import handhelds
from sync.texts import N_


def now() -> int:
    return time.time_ns() // 1_000_000


@click.group()
def handheld() -> None:
    """Handhelds of this store: a code for a new one, the list, the end of a lost one."""


@handheld.command("add")
@data_option
@click.argument("name")
@click.option("--address", default="", help="Of the node's pages, as handhelds reach it: shows a QR code.")
def add(data: Path, name: str, address: str) -> None:
    """A code that sets up one handheld called NAME: works once, for ten minutes."""
    code = short_secret(os.urandom, handhelds.LETTERS)
    with record(data, write=True) as db:
        store = db.execute("SELECT value FROM meta WHERE key = 'store'").fetchone()[0]
        handhelds.invite(db, code, name=name, person=handhelds.SHELL, now=now())
    text = words()(N_("Open /start on the handheld and type {code}. It works once, for ten minutes."))
    click.echo(text.format(code=handhelds.shown(code)))
    if address:
        import segno

        goal = f"{address.rstrip('/')}/start?code={store}.{code}"
        segno.make(goal, error="m", micro=False).terminal(compact=True)
        click.echo(goal)


@handheld.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True)
def listing(data: Path, as_json: bool) -> None:
    """Which there are, and who used them last."""
    with record(data, write=False) as db:
        rows = [
            dict(row)
            for row in db.execute(
                "SELECT id, name, key_hash <> '' AS set_up, added_by, seen_at, seen_by, ended_at"
                " FROM handheld ORDER BY seen_at DESC"
            )
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        seen = (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row["seen_at"] / 1000)) if row["seen_at"] else "-"
        )
        state = "ended" if row["ended_at"] else "set up" if row["set_up"] else "-"
        click.echo(f"{row['id']}  {row['name'] or '-'}  {state}  {row['seen_by'] or '-'}  {seen}")


@handheld.command("end")
@data_option
@click.argument("device")
def end(data: Path, device: str) -> None:
    """Lost or given away: whoever is signed in on DEVICE is out, and nobody signs in on it again."""
    with record(data, write=True) as db:
        known = db.execute("SELECT 1 FROM handheld WHERE id = ?", (device,)).fetchone()
        handhelds.end(db, device, now())
    if known is None:
        raise click.ClickException(words()(N_("There is no handheld {device}.")).format(device=device))
