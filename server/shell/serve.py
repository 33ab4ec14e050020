"""`yipan serve`."""

from __future__ import annotations

from pathlib import Path

import click

from server.shell.say import Stop, database


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--demo-control-url", default="", envvar="YIPAN_DEMO_CONTROL_URL", hidden=True)
@click.option("--behind-https", is_flag=True, help="A proxy in front speaks HTTPS: mark cookies Secure.")
@click.pass_obj
def serve(data_dir: Path, host: str, port: int, demo_control_url: str, behind_https: bool) -> None:
    """Run the centre until it is stopped."""
    path = database(data_dir)
    from server.schema import upgrade

    upgrade(path)
    from server.config import CentreConfig
    from server.main import listening_socket
    from server.main import serve as run

    try:
        listener = listening_socket(host, port)
    except OSError as trouble:
        raise Stop(
            f"cannot listen on {host}:{port} ({trouble.strerror}). Is another centre running? "
            "Choose another port with --port."
        ) from trouble
    host_now, port_now = listener.getsockname()[:2]
    click.echo(f"yipan: the centre listens on http://{host_now}:{port_now}", err=True)
    config = CentreConfig(
        data_dir=data_dir,
        host=host_now,
        port=port_now,
        demo_control_url=demo_control_url,
        behind_https=behind_https,
    )
    run(config, listener)
