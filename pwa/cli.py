"""`yipan-store`: run a store's node, and look after it.

Settings come from the environment (YIPAN_STORE, YIPAN_CENTRE, YIPAN_TOKEN, YIPAN_DATA, …), so that no
secret stands in a list of processes.
"""

from __future__ import annotations

import sync.sqlite  # isort: skip  # before anything can load another SQLite

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from pwa.devices.shell import handheld
from pwa.options import data_option
from pwa.printing.shell import printer
from pwa.support.shell import support
from sync.texts import N_, translator

ROOMS = ("pwa", "sync")


def words(language: str = "") -> Any:
    return translator(language or os.environ.get("YIPAN_LANGUAGE", "en"), ROOMS)


@click.group()
def main() -> None:
    """A store's node: its record, its line to the centre, its pages."""


store_option = click.option("--store", envvar="YIPAN_STORE", required=True, help="The store's code.")


@main.command()
@store_option
@data_option
@click.option(
    "--centre", envvar="YIPAN_CENTRE", required=True, help="Address of the centre's link, ws://…/link."
)
@click.option(
    "--token", envvar="YIPAN_TOKEN", required=True, help="The node's token. Better in the environment."
)
@click.option(
    "--till-key",
    envvar="YIPAN_TILL_KEY",
    default="",
    help="Key of this store's tills, or several with names, T1:KEY T2:KEY; empty: no till API.",
)
@click.option(
    "--till-folder",
    envvar="YIPAN_TILL_FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder whose `in` takes files of tills that tell at night; `tills` beside the record if not said.",
)
@click.option(
    "--till-columns",
    envvar="YIPAN_TILL_COLUMNS",
    default="",
    help="What the tills call the columns of their files: sale=Bon,code=Artikel.",
)
@click.option("--host", envvar="YIPAN_HOST", default="127.0.0.1", show_default=True)
@click.option("--port", envvar="YIPAN_PORT", default=8081, show_default=True)
@click.option(
    "--language", envvar="YIPAN_LANGUAGE", default="en", show_default=True, type=click.Choice(["en", "zh"])
)
@click.option("--behind-https", envvar="YIPAN_BEHIND_HTTPS", is_flag=True, help="Cookies only over HTTPS.")
@click.option(
    "--name",
    "names",
    envvar="YIPAN_NAMES",
    multiple=True,
    help="What PDAs call this box: names and addresses for its certificate. Found by itself if not said.",
)
@click.option(
    "--tls-cert",
    envvar="YIPAN_TLS_CERT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own certificate with its chain (PEM). New files are taken without a restart.",
)
@click.option(
    "--tls-key",
    envvar="YIPAN_TLS_KEY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The key of --tls-cert.",
)
@click.option(
    "--only-https", envvar="YIPAN_ONLY_HTTPS", is_flag=True, help="No pages on plain HTTP to other machines."
)
@click.option(
    "--training-port",
    envvar="YIPAN_TRAINING_PORT",
    default=0,
    show_default="1000 after the node's, or a free one",
    type=click.IntRange(-1, 65_535),
    help="Where a training opens its pages; -1: no training here.",
)
@click.option("--reconnect-base-s", envvar="YIPAN_RECONNECT_BASE_S", default=1.0, show_default=True)
@click.option("--reconnect-cap-s", envvar="YIPAN_RECONNECT_CAP_S", default=120.0, show_default=True)
def run(
    store: str,
    data: Path,
    centre: str,
    token: str,
    till_key: str,
    till_folder: Path | None,
    till_columns: str,
    host: str,
    port: int,
    language: str,
    behind_https: bool,
    names: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    only_https: bool,
    training_port: int,
    reconnect_base_s: float,
    reconnect_cap_s: float,
) -> None:
    """Keep the record, the line and the pages until told to stop."""
    from pwa.secure.keeper import Keeper
    from pwa.secure.papers import wanted_names
    from pwa.serve import listen, serve
    from pwa.till.reading import Unreadable, mapping
    from sync.agent.config import NodeConfig
    from sync.agent.node import is_running

    sync.sqlite.check_build()
    _ = words(language)
    if is_running(data):
        raise click.ClickException(
            _(N_("Another node works on {folder} already. One store, one node: stop that one first.")).format(
                folder=data
            )
        )
    try:
        listener = listen(host, port)
    except OSError as trouble:
        raise click.ClickException(
            _(N_("Cannot listen on {host}:{port} ({trouble}). Choose another port with --port.")).format(
                host=host, port=port, trouble=trouble.strerror
            )
        ) from trouble
    config = NodeConfig(
        data_dir=data,
        store=store,
        centre_url=centre,
        token=token,
        language=language,
        reconnect_base_s=reconnect_base_s,
        reconnect_cap_s=reconnect_cap_s,
    )
    try:
        columns = mapping(till_columns)
    except Unreadable as trouble:
        raise click.UsageError(_(trouble.text).format(**trouble.values)) from trouble
    own = (tls_cert, tls_key) if tls_cert and tls_key else None
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError(_(N_("A certificate of your own needs both --tls-cert and --tls-key.")))
    keeper = None
    if not behind_https or own:
        told = [one for part in names for one in part.split()]
        keeper = Keeper(data / "tls", store, names=wanted_names(told, host, centre), own=own)
    if own and keeper is not None and keeper.paper is None:
        raise click.ClickException(
            _(N_("The certificate in {file} cannot be used with the key in {key}.")).format(
                file=tls_cert, key=tls_key
            )
        )
    serve(
        config,
        listener,
        keeper=keeper,
        only_https=only_https,
        training_port=training_port if training_port >= 0 else None,
        secure=behind_https,
        till_key=till_key,
        till_folder=till_folder,
        till_columns=columns,
    )


@main.command("till-file")
@data_option
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--till-key", envvar="YIPAN_TILL_KEY", default="", help="A key of this store's tills.")
@click.option("--till-folder", envvar="YIPAN_TILL_FOLDER", type=click.Path(path_type=Path, file_okay=False))
@click.option("--columns", default="", help="What this till calls its columns: sale=Bon,code=Artikel.")
@click.option("--url", envvar="YIPAN_PAGES", default="http://127.0.0.1:8081", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def till_file(
    data: Path,
    files: tuple[Path, ...],
    till_key: str,
    till_folder: Path | None,
    columns: str,
    url: str,
    as_json: bool,
) -> None:
    """Book what a till did, from FILES. The same file again books nothing twice.

    With no node running the files are laid into its folder, and booked when it starts.
    """
    from pwa.till.sending import Sent, send

    sent = [
        send(
            file, url, key=till_key, folder=till_folder or data / "tills", columns=columns,
            language=os.environ.get("YIPAN_LANGUAGE", "en"),
        )
        for file in files
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps([one.report for one in sent], ensure_ascii=False))
    else:
        for one in sent:
            click.echo("\n".join(one.lines(words())))
    sys.exit(max((one.exit for one in sent), default=Sent.DONE))


@main.command()
@data_option
@click.option(
    "--url",
    envvar="YIPAN_PAGES",
    default="http://127.0.0.1:8081",
    show_default=True,
    help="The node's pages.",
)
@click.option("--json", "as_json", is_flag=True)
def status(data: Path, url: str, as_json: bool) -> None:
    """How the line is, and what waits to be sent."""
    from pwa.doctor import record, running

    found = {"running": running(url, data / "tls" / "root.pem"), "record": record(data)}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    _ = words()
    for part in found.values():
        for key, value in (part or {}).items():
            click.echo(f"{key}: {value}")
    if found["running"] is None:
        click.echo(_(N_("The node does not answer at {url}.")).format(url=url))


@main.command()
@data_option
@click.option("--store", envvar="YIPAN_STORE", default="")
@click.option("--centre", envvar="YIPAN_CENTRE", default="")
@click.option("--url", envvar="YIPAN_PAGES", default="http://127.0.0.1:8081", show_default=True)
@click.option("--tls-cert", envvar="YIPAN_TLS_CERT", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True)
def doctor(data: Path, store: str, centre: str, url: str, tls_cert: Path | None, as_json: bool) -> None:
    """Check clock, disk, SQLite, record, line, certificate and pages; leave with 1 if anything is wrong."""
    from pwa.doctor import examine

    checks = examine(data, store=store, centre=centre, url=url, translate=words(), own=tls_cert)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in checks], ensure_ascii=False))
    else:
        for check in checks:
            click.echo(f"{check.state:<5} {check.name}: {check.text}")
    sys.exit(1 if any(check.state == "bad" for check in checks) else 0)


@main.command("export-facts")
@data_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--unsent", is_flag=True, help="Only what the centre has not acknowledged.")
def export_facts(data: Path, file: Path, unsent: bool) -> None:
    """Write the store's facts to FILE, a line of JSON each: for a person, when a box has to be replaced."""
    from pwa.doctor import export

    count = export(data, file, unsent=unsent)
    click.echo(words()(N_("{n} facts written to {file}.")).format(n=count, file=file))


main.add_command(printer)
main.add_command(handheld)
main.add_command(support)


if __name__ == "__main__":
    main()
