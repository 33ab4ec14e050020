"""`yipan replay`: the command around a run."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--stores", default=20, show_default=True, type=click.IntRange(1, 2000), help="Stores, at real cities."
)
@click.option(
    "--offline",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 0.95),
    help="Share of store time without a line.",
)
@click.option(
    "--mean-outage",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.01, 1000),
    help="Mean length of an outage in hours.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same run.")
@click.option("--limit", default=0, help="Stop after so many baskets (0: the whole file).")
@click.option(
    "--look-every", default=100, show_default=True, help="Audit at every so manieth step; 0: only at the end."
)
@click.option(
    "--cities",
    type=click.Path(dir_okay=False, path_type=Path),
    help="cities.csv; else beside FILE, else eight cities.",
)
@click.option(
    "--skus", type=click.Path(dir_okay=False, path_type=Path), help="SKUs with EANs; else beside FILE."
)
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Leave the databases in this folder."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def replay(
    file: Path,
    stores: int,
    offline: float,
    mean_outage: float,
    seed: int,
    limit: int,
    look_every: int,
    cities: Path | None,
    skus: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Real order lines through the product itself, on virtual time, as fast as it goes."""
    from server.replay.baskets import demand
    from server.replay.dice import Chance
    from server.replay.lines import BadFile, read_lines
    from server.replay.places import read_cities
    from server.replay.play import Play, Wishes
    from server.replay.world import read_eans

    try:
        wanted = demand(read_lines(file), Chance(seed), limit=limit)
    except BadFile as trouble:
        raise click.ClickException(str(trouble)) from trouble
    if not wanted.baskets:
        raise click.ClickException(f"{file.name} has no sale in it.")
    places = read_cities(cities or file.parent / "cities.csv")
    eans = read_eans(skus or file.parent / "online_retail_skus.csv")
    wishes = Wishes(
        stores=stores, offline=offline, mean_outage_h=mean_outage, seed=seed, look_every=look_every
    )
    with tempfile.TemporaryDirectory(prefix="yipan-replay-") as temporary:
        folder = Path(temporary)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            if any(keep.glob("*.db")):
                raise click.ClickException(f"{keep} holds databases already.")
            folder = keep
        found = _played(Play(wishes, wanted, places, eans, folder))
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _words(found))
    sys.exit(0 if found["ok"] else 1)


def _played(play: Any) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{len(play.demand.baskets):,} baskets", total=1.0)
        result: dict[str, Any] = play.run(lambda done: bar.update(task, completed=done))
    return result


def _words(found: dict[str, Any]) -> str:
    out = []
    for key, value in found.items():
        if key == "details":
            out += [f"  {detail}" for detail in value]
        elif isinstance(value, dict):
            out.append(f"{key}: " + ", ".join(f"{name} {number}" for name, number in value.items()))
        else:
            out.append(f"{key}: {value}")
    return "\n".join(out)
