"""`yipan views`: what channels see and may take of the pool. A running centre notices at once."""

from __future__ import annotations

from pathlib import Path

import click

from server.shell.say import as_json, opened, plain_errors, tell, writing_to

_COLUMNS = ("channel", "sku", "store")


@click.group()
def views() -> None:
    """Safety stock, thresholds and quotas per channel: views on the pool, never other stock."""


@views.command("list")
@click.option("--channel", default="", help="Only those of this channel (and of every channel).")
@click.option("--sku", default="", help="Only those that hold for this SKU.")
@as_json
@click.pass_obj
def show(data_dir: Path, channel: str, sku: str, as_json: bool) -> None:
    """Every view that is set. The most special one counts: channel, then SKU, then store."""
    with opened(data_dir) as db:
        rows = [
            dict(row)
            for row in db.execute(
                "SELECT channel, sku, store, kind, value, days, since, person, at FROM channel_view"
                " ORDER BY channel, sku, store, kind"
            )
            if (not channel or row["channel"] in ("*", channel)) and (not sku or holds(row["sku"], sku))
        ]
    lines = [
        f"{row['channel']:12} {row['sku']:20} {row['store']:8} {row['kind']:13} {row['value']}"
        + (f" every {row['days']} days" if row["days"] else "")
        for row in rows
    ]
    tell(
        {"views": rows},
        as_json=as_json,
        text="\n".join(lines) or "No view is set: channels see the whole pool.",
    )


def holds(pattern: str, sku: str) -> bool:
    return sku.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == sku


@views.command("set")
@click.option("--channel", default="*", show_default=True)
@click.option("--sku", default="*", show_default=True, help="A SKU, or TEE-* for all that begin so.")
@click.option("--store", default="*", show_default=True, help="Safety stock only.")
@click.option("--safety-stock", default="", help="Units of each store's pool that are not shown; - for none.")
@click.option("--threshold", default="", help="Below so many units in all, nothing is shown; - for none.")
@click.option("--quota", default="", help="At most so many units are promised; - for none.")
@click.option("--days", default="", help="The quota begins anew every so many days; 0: until it is reset.")
@click.option("--percent", default="", help="Part of what is left that is shown; - for all of it.")
@click.option("--reset", is_flag=True, help="Begin the quota anew now.")
@as_json
@click.pass_obj
def change(
    data_dir: Path,
    channel: str,
    sku: str,
    store: str,
    safety_stock: str,
    threshold: str,
    quota: str,
    days: str,
    percent: str,
    reset: bool,
    as_json: bool,
) -> None:
    """Set one: `yipan views set --channel tmall --sku TEE-* --safety-stock 1 --quota 200 --days 7`."""
    from server.config import wall_clock
    from server.views.load import load_views

    row = {
        "channel": channel, "sku": sku, "store": store, "safety_stock": safety_stock, "threshold": threshold,
        "quota": quota, "days": days, "percent": percent, "reset": reset,
    }  # fmt: skip
    with writing_to(data_dir) as tx:
        plain_errors(load_views(tx, [row], now=wall_clock()))
    where = ", ".join(f"{name} {row[name]}" for name in _COLUMNS)
    tell({**row, "ok": True}, as_json=as_json, text=f"Set for {where}. It holds from now on.")
