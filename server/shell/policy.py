"""`yipan policy`: what HQ decides as numbers, shown and set. A running centre notices at once."""

from __future__ import annotations

from pathlib import Path

import click

from server.shell.say import Stop, as_json, opened, tell, writing_to


@click.group()
def policy() -> None:
    """Deadlines, holds, caps, and how tills behave with a promised unit."""


@policy.command("list")
@as_json
@click.pass_obj
def show(data_dir: Path, as_json: bool) -> None:
    """Every policy with what holds now; those that differ from the default are marked."""
    from server.policy.read import DEFAULTS
    from server.policy.store import NUMBERS, WORDS

    defaults = {name: str(value) for name, value in (DEFAULTS | NUMBERS).items()}
    defaults |= {name: values[0] for name, values in WORDS.items()}
    with opened(data_dir) as db:
        found = {str(key): str(value) for key, value in db.execute("SELECT key, value FROM policy")}
    now = defaults | found
    lines = [
        f"{key:32} {value}" + ("" if defaults.get(key) == value else "   (set here)")
        for key, value in sorted(now.items())
    ]
    tell({"policies": now, "set": found}, as_json=as_json, text="\n".join(lines))


@policy.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--channel", default="", help="Only for orders of this channel.")
@click.option("--kind", default="", help="Only for pickup, shipment or same_day.")
@click.option("--store", default="", help="Only for this store (till_mode, handhelds).")
@as_json
@click.pass_obj
def change(data_dir: Path, name: str, value: str, channel: str, kind: str, store: str, as_json: bool) -> None:
    """Set one: `yipan policy set accept_s 900 --kind pickup`, `yipan policy set till_mode block`."""
    from server.policy.read import DEFAULTS, set_policy
    from server.policy.store import NUMBERS, WORDS, set_store_policy

    if kind not in ("", "pickup", "shipment", "same_day"):
        raise Stop(f"there is no kind of order {kind}. Choose pickup, shipment or same_day.", code=2)
    if name in DEFAULTS:
        if store:
            raise Stop(f"{name} holds for every store; leave --store out.", code=2)
        if not value.isdecimal():
            raise Stop(f"{name} is a whole number (0 or more), not {value}.", code=2)
        with writing_to(data_dir) as tx:
            set_policy(tx, name, int(value), channel, kind)
    elif name in NUMBERS or name in WORDS:
        if channel or kind:
            raise Stop(f"{name} holds for every order; leave --channel and --kind out.", code=2)
        try:
            with writing_to(data_dir) as tx:
                set_store_policy(tx, name, value, store)
        except ValueError as wrong:
            raise Stop(f"{wrong}, not {value}.", code=2) from None
    else:
        raise Stop(f"there is no policy {name}. `yipan policy list` shows them all.", code=2)
    tell({"name": name, "value": value}, as_json=as_json, text=f"{name} is {value} from now on.")
