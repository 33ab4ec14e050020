"""`yipan ca`: the installation's certificate authority."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.shell.say import Stop, as_json, tell

if TYPE_CHECKING:
    from server.certificates.authority import Authority


@click.group()
def ca() -> None:
    """Certificates for store nodes, where no public authority signs their names."""


@ca.command("create")
@click.option("--name", default="yipan", show_default=True, help="Of the chain, as PDAs will show it.")
@click.option(
    "--zone", "zones", multiple=True, help="DNS zone of the store nodes; yipan.internal if not said."
)
@click.option(
    "--addresses",
    "ranges",
    multiple=True,
    help="Range of their addresses, 10.0.0.0/8; private ones if not said.",
)
@click.option("--years", type=click.IntRange(1, 30), default=10, show_default=True)
@as_json
@click.pass_obj
def create(
    data_dir: Path, name: str, zones: tuple[str, ...], ranges: tuple[str, ...], years: int, as_json: bool
) -> None:
    """Make the authority: a key that stays here, and a root for the PDAs. Valid for nothing else."""
    import ipaddress

    from server.certificates.authority import create as make
    from server.certificates.names import RANGES, ZONES, is_name
    from server.config import wall_clock

    if (folder_of(data_dir) / "root.pem").exists():
        raise Stop("there is an authority already; every PDA trusts it. Look at it with: yipan ca show", 1)
    wrong = [zone for zone in zones if not is_name(zone.lower())]
    for net in ranges:
        try:
            ipaddress.ip_network(net)
        except ValueError:
            wrong.append(net)
    if wrong:
        raise Stop(f"not a zone or a range of addresses: {', '.join(wrong)}", 2)
    data_dir.mkdir(parents=True, exist_ok=True)
    made = make(
        folder_of(data_dir),
        now=wall_clock(),
        dice=os.urandom,
        name=name,
        zones=[zone.lower() for zone in zones] or ZONES,
        ranges=ranges or RANGES,
        days=years * 365,
    )
    found = described(made)
    tell(
        found,
        as_json=as_json,
        text=f"{words(found)}\n\nStore nodes with a line fetch their certificates within a minute.\n"
        f"Keep a copy of {made.folder} in a safe place. PDAs: yipan ca export",
    )


@ca.command("show")
@as_json
@click.pass_obj
def show(data_dir: Path, as_json: bool) -> None:
    """The root, what it may sign, and the newest certificate of each store."""
    from server.config import wall_clock
    from sync.rules.certificates import Life

    authority = opened(data_dir)
    found = described(authority)
    now = wall_clock()
    rows = []
    for store, one in sorted(authority.newest().items()):
        life = Life(int(str(one["begins"])), int(str(one["ends"])))
        rows.append({**one, "state": life.state(now), "days_left": life.days_left(now), "store": store})
    found["stores"] = rows
    lines = [words(found)]
    for row in rows:
        names = row["names"]
        assert isinstance(names, list)
        lines.append(f"{row['store']}: {row['state']}, {row['days_left']} days left: {', '.join(names)}")
    tell(found, as_json=as_json, text="\n".join(lines))


@ca.command("export")
@click.option(
    "--as", "form", type=click.Choice(["pem", "der", "policy"]), default="pem", show_default=True,
    help="policy: the value of Chrome's policy CACertificates.",
)  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.pass_obj
def export(data_dir: Path, form: str, file: Path | None) -> None:
    """The root for PDAs, into FILE or on the screen."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from server.certificates.authority import der_base64

    authority = opened(data_dir)
    if form == "der":
        if file is None:
            raise Stop("der is not readable on a screen; name a file.", 2)
        file.write_bytes(authority.root.public_bytes(Encoding.DER))
    else:
        policy = json.dumps({"CACertificates": [der_base64(authority.root)]}, indent=2) + "\n"
        text = authority.root_pem if form == "pem" else policy
        if file is None:
            click.echo(text, nl=False)
            return
        file.write_text(text)
    click.echo(f"{file}: root with SHA-256 fingerprint {authority.fingerprint}", err=True)


@ca.command("names")
@click.argument("store")
@click.argument("names", nargs=-1)
@click.option("--clear", is_flag=True, help="None but the store's own.")
@as_json
@click.pass_obj
def names_of(data_dir: Path, store: str, names: tuple[str, ...], clear: bool, as_json: bool) -> None:
    """Further names and addresses that STORE's certificate may carry; without NAMES: which they are."""
    from server.certificates.names import as_address, below, is_name, own_name

    authority = opened(data_dir)
    zones, ranges = authority.permitted()
    for one in names:
        address = as_address(one)
        inside = any(address in net for net in ranges) if address else any(below(one, zone) for zone in zones)
        if not inside or not (address or is_name(one)):
            raise Stop(f"the root permits no {one}: {', '.join(zones)}; {', '.join(map(str, ranges))}", 1)
    if names or clear:
        authority.write_names(store, names)
    found = {"store": store, "own": own_name(store, zones[0]), "further": authority.written(store)}
    tell(found, as_json=as_json, text="\n".join([own_name(store, zones[0]), *authority.written(store)]))


@ca.command("issue")
@click.argument("store")
@click.option(
    "--csr", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The request (PKCS#10, PEM) that was made where the key is.",
)  # fmt: skip
@click.option("--days", type=click.IntRange(1, 90), default=90, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
@as_json
@click.pass_obj
def issue(data_dir: Path, store: str, csr: Path, days: int, out: Path, as_json: bool) -> None:
    """Sign a request by hand: for a proxy in a store, or a box whose line does not come up."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from server.certificates.authority import CannotIssue
    from server.config import wall_clock

    authority = opened(data_dir)
    try:
        der = x509.load_pem_x509_csr(csr.read_bytes()).public_bytes(Encoding.DER)
        issued = authority.issue(der, store=store, now=wall_clock(), dice=os.urandom, days=days)
    except (CannotIssue, ValueError) as trouble:
        raise Stop(str(trouble), 1) from trouble
    out.write_text(issued.chain)
    found = {"store": store, "file": str(out), "names": issued.names, "ends": issued.ends}
    tell(found, as_json=as_json, text=f"{out}: {', '.join(issued.names)}, until {day(issued.ends)}")


def folder_of(data_dir: Path) -> Path:
    return data_dir / "ca"


def opened(data_dir: Path) -> Authority:
    from server.certificates.authority import CannotIssue, load

    try:
        found = load(folder_of(data_dir))
    except CannotIssue as trouble:
        raise Stop(str(trouble)) from trouble
    if found is None:
        raise Stop("there is no authority yet. Make one with: yipan ca create")
    return found


def described(authority: Authority) -> dict[str, Any]:
    zones, ranges = authority.permitted()
    return {
        "root": str(authority.folder / "root.pem"),
        "fingerprint": authority.fingerprint,
        "ends": authority.ends,
        "zones": zones,
        "ranges": [str(net) for net in ranges],
    }


def words(found: dict[str, Any]) -> str:
    return (
        f"Root: {found['root']}, until {day(found['ends'])}\n"
        f"SHA-256: {found['fingerprint']}\n"
        f"Signs only: {', '.join(found['zones'])}; {', '.join(found['ranges'])}"
    )


def day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
