"""How a command speaks: JSON for programs, plain sentences for people, one way to stop."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from server.db import Tx, open_centre
from sync.sqlite import writing


class Stop(Exception):
    """The command cannot go on. The text is a plain sentence with the next step."""

    def __init__(self, text: str, code: int = 3) -> None:
        super().__init__(text)
        self.code = code


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")


def default_data_dir() -> Path:
    return Path(os.environ.get("YIPAN_DATA", "var/centre"))


def tell(result: dict[str, Any], *, as_json: bool, text: str) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, indent=2) if as_json else text)


def database(data_dir: Path) -> Path:
    """The centre's database, or a sentence that says how to make one."""
    path = data_dir / "centre.db"
    if not path.exists():
        raise Stop(f"there is no centre in {data_dir}. Make one with: yipan --data {data_dir} init")
    return path


@contextmanager
def opened(data_dir: Path) -> Iterator[Tx]:
    """The centre's database outside a transaction. A running centre notices what is committed."""
    from server.schema import upgrade

    path = database(data_dir)
    upgrade(path)
    db = open_centre(path)
    try:
        yield db
    except sqlite3.OperationalError as trouble:
        raise Stop(
            f"the database {path} said: {trouble}. Try again; `yipan doctor` looks closer."
        ) from trouble
    finally:
        db.close()


@contextmanager
def writing_to(data_dir: Path) -> Iterator[Tx]:
    """One transaction on the centre's database."""
    with opened(data_dir) as db, writing(db):
        yield db


def plain_errors(loaded: Any) -> None:
    """Stop with the first sentence if anything of one row was wrong."""
    if loaded.errors:
        raise Stop(loaded.errors[0].sentence(), code=1)
