"""`yipan host`: store nodes beside the centre, for shops without a box of their own.

Each hosted node is the same program in a process of its own, with a folder, a port and a token, so
that one shop's trouble stays its own. A node that ends is started again, slower each time. Nodes end with
this process, however it ends: two processes on one store's folder would stand in each other's way.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click

from server.shell.children import die_with_parent
from server.shell.say import Stop, as_json, writing_to

LONGEST_PAUSE_S = 60.0
HEALTHY_S = 30.0


@dataclass
class Hosted:
    store: str
    port: int
    folder: Path
    token: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = 1.0
    again_at: float = 0.0
    log: Path = field(default_factory=Path)

    def command(self, host: str) -> list[str]:
        return [sys.executable, "-m", "pwa.cli", "run", "--host", host, "--port", str(self.port)]

    def environment(self, centre: str) -> dict[str, str]:
        return os.environ | {
            "YIPAN_STORE": self.store,
            "YIPAN_CENTRE": centre,
            "YIPAN_TOKEN": self.token,
            "YIPAN_DATA": str(self.folder),
        }


@click.command()
@click.argument("stores", nargs=-1, required=True)
@click.option(
    "--centre", default="ws://127.0.0.1:8080/link", show_default=True, help="The centre's link address."
)
@click.option(
    "--host", "address", default="127.0.0.1", show_default=True, help="Address the nodes listen on."
)
@click.option(
    "--first-port", default=8101, show_default=True, help="The first node's port; the others follow."
)
@as_json
@click.pass_obj
def host(
    data_dir: Path, stores: tuple[str, ...], centre: str, address: str, first_port: int, as_json: bool
) -> None:
    """Run the nodes of STORES here until stopped. Makes each a new token."""
    from server.stores.load import new_token

    hosted = []
    with writing_to(data_dir) as tx:
        for at, code in enumerate(dict.fromkeys(stores)):
            token = new_token(tx, code, os.urandom)
            if token is None:
                raise Stop(f"there is no store {code}. Add it with: yipan store add {code} …", code=1)
            hosted.append(Hosted(code, first_port + at, data_dir / "hosted" / code, token))
    for node in hosted:
        node.folder.mkdir(parents=True, exist_ok=True)
        node.log = node.folder / "node.log"
        start(node, centre, address)
    if as_json:
        click.echo(
            json.dumps({"nodes": [{"store": n.store, "url": f"http://{address}:{n.port}"} for n in hosted]})
        )
    else:
        for node in hosted:
            click.echo(f"{node.store}: http://{address}:{node.port}  (log: {node.log})")
    watch(hosted, centre, address)


def start(node: Hosted, centre: str, address: str) -> None:
    with node.log.open("ab") as log:
        node.process = subprocess.Popen(
            node.command(address),
            env=node.environment(centre),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A Ctrl-C reaches this process alone, which then ends the nodes in order.
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    node.started = time.monotonic()
    node.again_at = 0.0


def watch(hosted: list[Hosted], centre: str, address: str) -> None:
    """Start again what ends, until a signal; then end all of them and wait."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping:
        now = time.monotonic()
        for node in hosted:
            if node.process is not None and node.process.poll() is not None:
                click.echo(f"{node.store}: ended with {node.process.returncode}; see {node.log}", err=True)
                node.process = None
                # A node that ran for a while starts again at once; one that keeps falling waits longer.
                node.pause_s = (
                    1.0 if now - node.started > HEALTHY_S else min(node.pause_s * 2, LONGEST_PAUSE_S)
                )
                node.again_at = now + node.pause_s
            elif node.process is None and now >= node.again_at:
                start(node, centre, address)
        time.sleep(0.5)
    for node in hosted:
        if node.process is not None:
            node.process.terminate()
    for node in hosted:
        if node.process is not None:
            try:
                node.process.wait(10)
            except subprocess.TimeoutExpired:
                node.process.kill()
