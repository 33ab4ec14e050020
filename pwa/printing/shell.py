"""`yipan-store printer`: which printers the store has. Works beside a running node, which notices at once."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from pwa.options import data_option
from sync import sqlite
from sync.replica import printing
from sync.sqlite import Connection
from sync.texts import N_, translator

PORT = 9100
SIZES = {"zpl": (100.0, 60.0, 203), "escpos": (80.0, 0.0, 203), "pdf": (210.0, 297.0, 300)}
"""Width and height in mm and dots an inch, where nobody says."""


def words() -> Any:
    return translator(os.environ.get("YIPAN_LANGUAGE", "en"), ("pwa", "sync"))


@contextmanager
def record(data: Path, *, write: bool) -> Iterator[Connection]:
    path = data / "replica.db"
    if not path.exists():
        raise click.ClickException(words()(N_("No record yet: the first start makes one.")))
    with closing(sqlite.connect(path, read_only=not write)) as db:
        try:
            if write:
                with sqlite.writing(db):
                    yield db
            else:
                yield db
        except sqlite3.OperationalError as trouble:
            if "no such table" not in str(trouble):
                raise
            text = words()(N_("Start the node of this release once, then add printers."))
            raise click.ClickException(text) from trouble


@click.group()
def printer() -> None:
    """Printers of this store: labels, receipts, sheets."""


@printer.command("add")
@data_option
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(list(SIZES)),
    help="zpl: label printers; escpos: receipt printers; pdf: office printers that take PDF.",
)
@click.option("--address", required=True, help="Name or address in the store's network, host or host:port.")
@click.option("--width-mm", type=click.FloatRange(20, 500), help="Of the label, roll or sheet.")
@click.option("--height-mm", type=click.FloatRange(15, 1000), help="Of the label or sheet.")
@click.option("--dpi", type=click.IntRange(100, 1200), help="Dots an inch: 203, 300 or 600.")
def add(
    data: Path,
    name: str,
    kind: str,
    address: str,
    width_mm: float | None,
    height_mm: float | None,
    dpi: int | None,
) -> None:
    """Add a printer, or set one up anew: `printer add labels --kind zpl --address 192.168.1.50`."""
    host, port = split(address)
    width, height, dots = SIZES[kind]
    one = printing.Printer(
        name.strip()[:40], kind, host, port, width_mm or width, height_mm or height, dpi or dots
    )
    if not one.name:
        raise click.UsageError(words()(N_("A printer needs a name.")))
    with record(data, write=True) as db:
        printing.add_printer(db, one)
    click.echo(words()(N_("Printer {name} added. Try it: Printers, Test print.")).format(name=one.name))


def split(address: str) -> tuple[str, int]:
    """`host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    text = address.strip().removeprefix("tcp://")
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, ""
    if (port and not (port.isdigit() and 0 < int(port) < 65536)) or not host.strip("[]"):
        raise click.UsageError(words()(N_("{address} is no address.")).format(address=address))
    return host.strip("[]"), int(port or PORT)


@printer.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True)
def show(data: Path, as_json: bool) -> None:
    """Every printer, and why the last try did not get through."""
    with record(data, write=False) as db:
        found = printing.printers(db)
    if as_json:
        click.echo(json.dumps([one.__dict__ for one in found], ensure_ascii=False))
        return
    for one in found:
        size = f"{one.width_mm:g}×{one.height_mm:g} mm, {one.dpi} dpi"
        click.echo(f"{one.name}  {one.kind}  {one.host}:{one.port}  {size}  {one.trouble}".rstrip())


@printer.command("remove")
@data_option
@click.argument("name")
def remove(data: Path, name: str) -> None:
    """Take a printer away. What waits for it is stopped and stays in the list."""
    with record(data, write=True) as db:
        gone = printing.remove_printer(db, name, time.time_ns() // 1_000_000)
    if not gone:
        raise click.ClickException(words()(N_("There is no printer {name}.")).format(name=name))
