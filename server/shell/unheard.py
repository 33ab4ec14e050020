"""`yipan store unheard`: stores not heard since the centre was put back, and going on without them."""

from __future__ import annotations

from pathlib import Path

import click

from server.shell.losses import moment, named
from server.shell.say import Stop, as_json, opened, tell
from sync.sqlite import writing


@click.command("unheard")
@click.option("--without", multiple=True, metavar="STORE", help="Go on without this store; several times.")
@click.option("--without-all", is_flag=True, help="Go on without every store that was not heard.")
@click.option("--by", default="", help="Id of the person who decides it. It is kept.")
@as_json
@click.pass_obj
def store_unheard(
    data_dir: Path, without: tuple[str, ...], without_all: bool, by: str, as_json: bool
) -> None:  # fmt: skip
    """Stores that may hold orders which this centre has forgotten since it was restored.

    What they might hold is released by no other store until they are heard. Going on without one is for a
    store that was asked and ships nothing: an order that it ships all the same leaves twice.
    """
    from server.config import wall_clock
    from server.offers.confirm import go_on_without, waiting

    with opened(data_dir) as db, writing(db):
        silent = dict(db.execute("SELECT store, since FROM unheard ORDER BY store").fetchall())
        chosen = tuple(silent) if without_all else tuple(dict.fromkeys(without))
        if chosen and not db.execute("SELECT 1 FROM person WHERE id = ?", (by,)).fetchone():
            raise Stop("say who decides it: --by with the id of a person that is known here.", code=1)
        for code in chosen:
            if code not in silent:
                raise Stop(f"nothing waits for {code}.", code=1)
            go_on_without(db, code, wall_clock(), person=by)
        left = {code: since for code, since in silent.items() if code not in chosen}
        held = waiting(db)
    lines = [f"Went on without: {named(chosen)}"] if chosen else []
    if left:
        since = moment(max(left.values()))
        lines += [
            f"Not heard since the restore of {since} ({len(left)}): {named(tuple(left))}",
            f"Acceptances that wait for them: {held}",
        ]
    else:
        lines.append("Every store was heard. Nothing waits.")
    found = {"unheard": list(left), "without": list(chosen), "waiting": held}
    tell(found, as_json=as_json, text="\n".join(lines))
