"""`yipan backup` and `yipan restore`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from server.shell.say import Stop, as_json, database, tell


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@click.pass_obj
def backup(data_dir: Path, file: Path, as_json: bool) -> None:
    """Copy the database to FILE while the centre runs, and verify the copy.

    Stores may forget facts only once a verified backup covers them: make one every day.
    """
    from server.config import wall_clock
    from server.link.backup import BackupError
    from server.link.backup import backup as make

    try:
        made = make(database(data_dir), file, now=wall_clock())
    except BackupError as wrong:
        raise Stop(str(wrong)) from wrong
    except OSError as trouble:
        raise Stop(f"cannot write {file}: {trouble.strerror}. Choose a folder with room.") from trouble
    tell(
        {"file": str(made.path), "bytes": made.size, "incarnation": made.incarnation},
        as_json=as_json,
        text=f"Backup made and verified: {made.path} ({made.size / 1_000_000:.1f} MB).",
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def restore(data_dir: Path, file: Path, yes: bool, as_json: bool) -> None:
    """Put the backup FILE in the place of the database. The centre must be stopped.

    The database that is there is set aside, not deleted. Stores send again what came since.
    """
    from server.config import wall_clock
    from server.link.backup import BackupError
    from server.link.backup import restore as put_back

    if not yes and not as_json:
        click.confirm(f"Put {file} in the place of the database in {data_dir}?", abort=True)
    try:
        incarnation = put_back(file, data_dir / "centre.db", now=wall_clock(), dice=os.urandom)
    except BackupError as wrong:
        raise Stop(str(wrong)) from wrong
    tell(
        {"database": str(data_dir / "centre.db"), "incarnation": incarnation},
        as_json=as_json,
        text="Restored. Start the centre; stores send what came after the backup by themselves.\n"
        "Until all have, older orders wait where they are: yipan store unheard",
    )
