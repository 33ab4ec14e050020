"""`yipan`: the centre's command line.

Each command lives in a module of `server.shell` (or in the room it belongs to) and is imported
when it is asked for: `yipan --help` must not load a web framework. Results go to standard output
(`--json` for programs), what went wrong to standard error in one plain sentence with the next
step. Exit codes: 0 done; 1 done in part, or something was found wrong; 2 asked for wrongly;
3 could not be done.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from server.shell.say import Stop, default_data_dir

COMMANDS = {
    "serve": ("server.shell.serve:serve", "Run the centre: API, board, link to the stores."),
    "init": ("server.shell.setup:init", "Make a new centre's database and its first manager."),
    "load": ("server.shell.load:load", "Load stores, people, catalogue or stock from a file."),
    "store": ("server.shell.setup:store", "Add a store; make a new token for its node."),
    "person": ("server.shell.setup:person", "Add a person or give one a new PIN."),
    "channel": ("server.shell.setup:channel", "Add a channel (shop, till system) and its API key."),
    "policy": ("server.shell.policy:policy", "Show and set deadlines, holds, caps, and how tills behave."),
    "views": ("server.shell.views:views", "Safety stock, thresholds and quotas of channels."),
    "ca": ("server.shell.ca:ca", "Certificates for store nodes: make the authority, show, export, issue."),
    "support": ("server.shell.support:support", "Read the code that a handheld shows for the help desk."),
    "status": ("server.shell.look:status", "What goes on: stores, offers, unsent facts, cases."),
    "doctor": ("server.shell.look:doctor", "Check this installation and say what to mend."),
    "backup": ("server.shell.keep:backup", "Copy the database while the centre runs, and verify it."),
    "restore": ("server.shell.keep:restore", "Put a backup in the place of the database."),
    "host": ("server.shell.host:host", "Run store nodes beside the centre for shops without a box."),
    "demo": ("server.demo.cli:demo", "A small chain that runs by itself, with lines you can cut."),
    "replay": ("server.replay.cli:replay", "Real order lines through the product on virtual time."),
}
"""Name: where it is, and the line that help shows without importing it."""


class Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_data_dir,
    help="Folder of the centre's database (or YIPAN_DATA).",
)
@click.pass_context
def yipan(ctx: click.Context, data_dir: Path) -> None:
    """yipan (一盘货): one stock pool for every channel and store."""
    ctx.obj = data_dir


def main() -> None:
    try:
        code = yipan.main(prog_name="yipan", standalone_mode=False)
    except Stop as stop:
        click.echo(f"yipan: {stop}", err=True)
        sys.exit(stop.code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except click.Abort:
        click.echo("yipan: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
