"""`yipan load`: stores, people, catalogue, stock or views from a CSV or JSON file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from server.shell.say import Stop, as_json, tell, writing_to

KINDS = (
    "regions",
    "stores",
    "people",
    "channels",
    "items",
    "bundles",
    "listings",
    "shelves",
    "stock",
    "views",
)
SHOWN = 20


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--document", default="", help="Stock: number of the document; the file's name when left out.")
@click.option("--store", default="", help="Stock and shelves: the store, when the file has no such column.")
@click.option("--absolute", is_flag=True, help="Stock: figures are what is there, not what is added.")
@click.option("--channel", default="", help="Listings: the channel, when the file has no such column.")
@as_json
@click.pass_obj
def load(
    data_dir: Path,
    kind: str,
    file: Path,
    document: str,
    store: str,
    absolute: bool,
    channel: str,
    as_json: bool,
) -> int:
    """Load a file. Good lines are kept; each bad one is named with its reason. Exit code 1 if any was bad."""
    from server.config import wall_clock
    from server.db import Tx
    from server.loading.rows import Loaded, Rows, read_csv, read_json

    data = file.read_bytes()
    rows = read_json(data) if file.suffix.lower() in (".json", ".jsonl", ".ndjson") else read_csv(data)
    now = wall_clock()

    def stock(tx: Tx, rows: Rows) -> Loaded:
        from server.stock.load import load_stock

        return load_stock(tx, rows, document=document or file.name, now=now, store=store, absolute=absolute)

    with writing_to(data_dir) as tx:
        loaded = stock(tx, rows) if kind == "stock" else _loader(kind, now, store, channel)(tx, rows)
    bad = len(loaded.errors)
    result = {
        "kind": kind, "good": loaded.good, "bad": bad, "repeated": loaded.repeated,
        "errors": [{"line": one.line, "message": one.sentence()} for one in loaded.errors],
    }  # fmt: skip
    lines = [f"{loaded.good} lines taken, {bad} not."]
    if loaded.repeated:
        lines.append("This document was booked before. Nothing was booked twice.")
    lines += [f"  line {one.line}: {one.sentence()}" for one in loaded.errors[:SHOWN]]
    if bad > SHOWN:
        lines.append(f"  … and {bad - SHOWN} more (--json names all).")
    if bad:
        lines.append("Mend those lines and load the whole file again; what was taken is not taken twice.")
    tell(result, as_json=as_json, text="\n".join(lines))
    if bad and not loaded.good and not as_json:
        raise Stop("nothing of this file could be taken.", code=1)
    return 1 if bad else 0


def _loader(kind: str, now: int, store: str, channel: str) -> Callable[[Any, Any], Any]:
    from server.catalogue.load import load_items, load_listings, load_sellables, load_shelves
    from server.people.load import load_channels, load_people
    from server.stores.load import load_regions, load_stores
    from server.views.load import load_views

    return {
        "regions": load_regions,
        "stores": load_stores,
        "people": lambda tx, rows: load_people(tx, rows, dice=os.urandom),
        "channels": load_channels,
        "items": lambda tx, rows: load_items(tx, rows, now=now),
        "bundles": load_sellables,
        "listings": lambda tx, rows: load_listings(tx, rows, channel=channel),
        "shelves": lambda tx, rows: load_shelves(tx, rows, store=store),
        "views": lambda tx, rows: load_views(tx, rows, now=now),
    }[kind]
