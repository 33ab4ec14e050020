"""`yipan store lost S001`: what went with a box that died or was put back from a copy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from server.shell.say import Stop, as_json, opened, tell

MOST_NAMED = 20


@click.command("lost")
@click.argument("code")
@as_json
@click.pass_obj
def store_lost(data_dir: Path, code: str, as_json: bool) -> None:
    """What was lost with a store's box: which facts had arrived, what is open, what to count."""
    from server.stores.losses import losses

    with opened(data_dir) as db:
        if not db.execute("SELECT 1 FROM store WHERE code = ?", (code,)).fetchone():
            raise Stop(f"there is no store {code}.", code=1)
        found = losses(db, code)
    lines: list[str] = []
    for one in found:
        how = {"replaced": "was replaced by another box", "forked": "came back as an older copy"}
        last = f"; the last, {one.last_kind}, arrived {moment(one.last_arrived_at)}" if one.last_fact else ""
        lines += [
            f"{code}: the box {one.incarnation} {how.get(one.how, 'is gone')} (found"
            f" {moment(one.found_at)}).",
            f"  Facts up to number {one.last_fact} are here{last}.",
            f"  Lost: whatever it recorded from number {one.last_fact + 1} on. When it was last heard,"
            f" {moment(one.heard_at)}, it said that {one.waiting} were waiting.",
            f"  Rights of {one.voided_units} units of {one.voided_skus} items ended (case {one.case}).",
        ]
    if found:
        newest = found[0]
        lines.append(f"Still to count ({len(newest.to_count)}): {named(newest.to_count)}")
        lines.append(f"Orders it holds ({len(newest.open_orders)}): {named(newest.open_orders)}")
    else:
        lines.append(f"{code}: nothing was lost.")
    tell({"store": code, "losses": [one.plain() for one in found]}, as_json=as_json, text="\n".join(lines))


def named(all_of: tuple[str, ...]) -> str:
    more = len(all_of) - MOST_NAMED
    return (", ".join(all_of[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")) or "none"


def moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "never"
