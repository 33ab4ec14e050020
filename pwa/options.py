"""Options that several commands of a store's box take."""

from __future__ import annotations

from pathlib import Path

import click

data_option = click.option(
    "--data",
    envvar="YIPAN_DATA",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/store"),
    show_default=True,
    help="Folder of the store's record.",
)
