"""`yipan init`, `store add`, `person add`, `channel add`: what a new centre needs before it serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from server.shell.losses import store_lost
from server.shell.say import Stop, as_json, plain_errors, tell, writing_to
from server.shell.unheard import store_unheard


@click.command()
@click.option("--manager", default="", help="Id of the first manager (role hq_ops).")
@click.option("--name", default="", help="Their name; the id when left out.")
@click.option("--pin", default="", help="Their PIN, 4 to 8 digits; one is made and shown when left out.")
@as_json
@click.pass_obj
def init(data_dir: Path, manager: str, name: str, pin: str, as_json: bool) -> None:
    """Make the database of a new centre, or bring an old one to the newest schema."""
    from server.schema import upgrade

    path = data_dir / "centre.db"
    new = not path.exists()
    data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(path)
    result: dict[str, Any] = {"database": str(path), "new": new}
    text = f"{'Made' if new else 'Brought up to date'}: {path}"
    if manager:
        pin = pin or _new_pin()
        _people(data_dir, {"id": manager, "name": name or manager, "role": "hq_ops", "pin": pin})
        result |= {"manager": manager, "pin": pin}
        text += f"\nManager {manager} signs in with PIN {pin}. It is not shown again."
    text += f"\nNext: yipan --data {data_dir} serve"
    tell(result, as_json=as_json, text=text)


def _new_pin() -> str:
    return f"{int.from_bytes(os.urandom(8), 'big') % 1_000_000:06d}"


def _people(data_dir: Path, row: dict[str, Any]) -> None:
    from server.people.load import load_people

    with writing_to(data_dir) as tx:
        plain_errors(load_people(tx, [row], dice=os.urandom))


@click.group()
def store() -> None:
    """Stores and the tokens of their nodes."""


store.add_command(store_lost)
store.add_command(store_unheard)


@store.command("add")
@click.argument("code")
@click.option("--name", required=True, help="The store's name.")
@click.option("--name-zh", default="", help="Its Chinese name.")
@click.option("--region", required=True, help="Code of its region; made when it is new.")
@click.option("--lat", default=0.0)
@click.option("--lon", default=0.0)
@click.option("--timezone", default="UTC", show_default=True, help="For example Asia/Shanghai.")
@click.option(
    "--hours", default="", help="Opening hours, for example 10:00-22:00; always open when left out."
)
@click.option("--kind", type=click.Choice(["store", "warehouse"]), default="store", show_default=True)
@click.option("--capacity", default=0, help="Fulfilment orders a day; 0 means no limit.")
@as_json
@click.pass_obj
def store_add(
    data_dir: Path, code: str, name: str, name_zh: str, region: str, lat: float, lon: float,
    timezone: str, hours: str, kind: str, capacity: int, as_json: bool,
) -> None:  # fmt: skip
    """Add a store and print its node's token, once."""
    from server.stores.load import load_regions, load_stores, new_token

    row = {
        "code": code, "name_en": name, "name_zh": name_zh or name, "region": region, "lat": lat, "lon": lon,
        "timezone": timezone, "opening_hours": hours, "kind": kind, "capacity_per_day": capacity,
    }  # fmt: skip
    with writing_to(data_dir) as tx:
        if tx.execute("SELECT 1 FROM store WHERE code = ?", (code,)).fetchone():
            raise Stop(
                f"store {code} is here already. A new token: yipan store token {code}. "
                "Other changes: yipan load stores FILE",
                code=1,
            )
        if not tx.execute("SELECT 1 FROM region WHERE code = ?", (region,)).fetchone():
            plain_errors(load_regions(tx, [{"code": region, "name": region}]))
        plain_errors(load_stores(tx, [row]))
        token = new_token(tx, code, os.urandom)
    _tell_token(code, token or "", as_json)


@store.command("token")
@click.argument("code")
@as_json
@click.pass_obj
def store_token(data_dir: Path, code: str, as_json: bool) -> None:
    """Make a new token for a store's node. The old one stops working."""
    from server.stores.load import new_token

    with writing_to(data_dir) as tx:
        token = new_token(tx, code, os.urandom)
    if token is None:
        raise Stop(f"there is no store {code}. Add it with: yipan store add {code} …", code=1)
    _tell_token(code, token, as_json)


def _tell_token(code: str, token: str, as_json: bool) -> None:
    tell(
        {"store": code, "token": token},
        as_json=as_json,
        text=f"Token of the node of {code}: {token}\n"
        "It is not shown again. Give it to the node as YIPAN_TOKEN (see `yipan-store run --help`).",
    )


@click.group()
def person() -> None:
    """People: managers here, staff at their stores."""


@person.command("add")
@click.argument("id")
@click.option("--name", required=True)
@click.option("--role", required=True, help="associate, store_lead, regional_manager, hq_ops, …")
@click.option("--store", "store_code", default="", help="For staff of a store.")
@click.option("--region", default="", help="For a regional manager.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--pin", default="", help="4 to 8 digits; one is made and shown when left out.")
@as_json
@click.pass_obj
def person_add(
    data_dir: Path, id: str, name: str, role: str, store_code: str, region: str, language: str, pin: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Add a person, or give one another role or PIN."""
    pin = pin or _new_pin()
    _people(
        data_dir,
        {
            "id": id, "name": name, "role": role, "store": store_code, "region": region,
            "language": language, "pin": pin,
        },
    )  # fmt: skip
    tell({"person": id, "pin": pin}, as_json=as_json, text=f"{name} ({id}) signs in with PIN {pin}.")


@click.group()
def channel() -> None:
    """Channels: shops, marketplaces, tills and ERP systems that call the API."""


@channel.command("add")
@click.argument("code")
@click.option("--name", default="")
@click.option(
    "--scopes",
    default="orders availability",
    show_default=True,
    help="Of: orders availability catalogue stock views.",
)
@click.option("--webhook", default="", help="Where messages go; without it they are shown in the log page.")
@as_json
@click.pass_obj
def channel_add(data_dir: Path, code: str, name: str, scopes: str, webhook: str, as_json: bool) -> None:
    """Add a channel and print its API key, once. For one that is here already: a new key."""
    import base64

    from server.people.load import load_channels, new_channel_key

    secret = "whsec_" + base64.b64encode(os.urandom(24)).decode() if webhook else ""
    row = {"code": code, "name": name or code, "scopes": scopes, "webhook_url": webhook}
    with writing_to(data_dir) as tx:
        plain_errors(load_channels(tx, [row | ({"webhook_secret": secret} if secret else {})]))
        key = new_channel_key(tx, code, os.urandom)
    text = f"API key of {code}: {key}\nIt is not shown again. Send it as: Authorization: Bearer KEY"
    if secret:
        text += f"\nWebhook secret (Standard Webhooks): {secret}"
    tell({"channel": code, "key": key, "webhook_secret": secret}, as_json=as_json, text=text)
