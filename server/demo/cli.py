"""`yipan demo`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import click

from server.demo.processes import WouldNotStart
from server.shell.say import Stop


@click.command()
@click.option(
    "--seconds", default=0, show_default=True, help="Run by itself for about this long; 0: until Ctrl-C."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
@click.option("--stores", type=click.IntRange(2, 4), default=4, show_default=True)
@click.option("--port", default=0, help="Port of the centre; 0 takes a free one (8080 when it is free).")
@click.option(
    "--staff",
    type=click.Choice(["others", "all", "none"]),
    default="others",
    show_default=True,
    help="Which stores have staff of their own; `others`: all but S001, which is yours.",
)
@click.option("--seed", default=1, show_default=True, help="Of the shoppers' and the staff's choices.")
@click.option("--https", is_flag=True, help="Print the stores' https addresses, with the demo's own root.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder to keep databases and logs in; without it they are removed at the end.",
)
def demo(
    seconds: int, as_json: bool, stores: int, port: int, staff: str, seed: int, https: bool, keep: Path | None
) -> int:
    """A small chain on this machine: a centre, stores, shoppers, and lines that you can cut."""
    from server.demo.run import Options, play, visit

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    folder = _folder(keep)
    options = Options(
        folder=folder,
        stores=stores,
        port=port or _usual_port(),
        seconds=seconds,
        seed=seed,
        staff=staff,
        https=https,
        say=say,
    )
    if seconds and not as_json:
        say(f"Deadlines are shortened for this run: an offer waits {options.accept_s} s.")
    try:
        result = asyncio.run(play(options) if options.scripted else visit(options))
    except WouldNotStart as trouble:
        raise Stop(str(trouble)) from trouble
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        click.echo(_words(result))
    sys.stdout.flush()
    return 0 if result["ok"] else 1


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="yipan-demo-"))
    if keep.exists() and any(keep.iterdir()):
        raise Stop(f"{keep} is not empty. A demo begins with an empty folder; choose another.", 2)
    keep.mkdir(parents=True, exist_ok=True)
    return keep


def _usual_port() -> int:
    """8080 where nothing listens on it, so that a visitor's bookmark works again."""
    import socket

    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", 8080))
        except OSError:
            return 0
    return 8080


def _words(result: dict[str, object]) -> str:
    rules = result["rules"]
    happened = result["happened"]
    assert isinstance(rules, dict)
    assert isinstance(happened, dict)
    details = result["details"]
    assert isinstance(details, list)
    broken = {rule: count for rule, count in rules.items() if count}
    rows = [
        f"{happened['orders']} orders, {happened['units_released']} units released, "
        f"{happened['till_sales']} till sales, {happened['returns']} returns, {happened['lapsed']} lapses,",
        f"{happened['accepted_provisionally']} accepted with the line down, "
        f"{happened['cases_open']} cases open.",
        f"{happened['facts']} facts up, {happened['decisions']} decisions down.",
        f"Rules broken: {broken}" if broken else "Every rule was kept.",
        *(details if broken else []),
    ]
    return "\n".join(rows)
