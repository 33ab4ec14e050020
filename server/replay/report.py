"""The figures of a run, read from the databases it has left behind and from what people saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from server.audit import Audit
from server.db import Tx
from server.replay.baskets import Demand
from server.replay.line import Line
from server.replay.witness import Witness


def report(
    tx: Tx,
    demand: Demand,
    witness: Witness,
    lines: Iterable[Line],
    audit: Audit,
    *,
    looks: int,
    steps: int,
    commits: dict[str, int],
    wall_s: float,
    cpu_s: float,
) -> dict[str, Any]:
    def one(sql: str, *args: Any) -> int:
        return int(tx.execute(sql, args).fetchone()[0] or 0)

    def table(sql: str) -> dict[str, int]:
        return {str(row[0]): int(row[1]) for row in tx.execute(sql)}

    orders = one("SELECT COUNT(*) FROM shop_order")
    ordered = one(
        "SELECT SUM(l.qty * COALESCE((SELECT SUM(p.qty) FROM sellable_part p"
        " WHERE p.sellable = l.sellable), 1)) FROM shop_order_line l"
    )
    released = one("SELECT SUM(released) FROM fulfilment_line")
    counts = witness.counts
    asked, sold = counts["till units asked for"], counts["till units sold"]
    lines = list(lines)
    placed = Counter(basket.way for basket in demand.baskets)
    return {
        "lines_read": demand.lines_read,
        "baskets": len(demand.baskets),
        "by_way": dict(sorted(placed.items())),
        "orders": orders,
        "lines": one("SELECT COUNT(*) FROM shop_order_line"),
        "units": ordered,
        "units_released": released,
        "fill": round(released / ordered, 4) if ordered else 1.0,
        "orders_by_state": table("SELECT state, COUNT(*) FROM shop_order GROUP BY state ORDER BY state"),
        "fulfilment_orders": table(
            "SELECT state, COUNT(*) FROM fulfilment_order GROUP BY state ORDER BY state"
        ),
        "till": {
            "sales": counts["till sales"],
            "insisted": counts["till sales insisted on"],
            "units_asked": asked,
            "units_sold": sold,
            "units_not_there": counts["till units not on the shelf"],
            "fill": round(sold / asked, 4) if asked else 1.0,
        },
        "assignments": one("SELECT COUNT(*) FROM assignment"),
        "ended": table(
            "SELECT ended_reason, COUNT(*) FROM assignment WHERE ended_at > 0"
            " GROUP BY ended_reason ORDER BY ended_reason"
        ),
        "lapses": one("SELECT COUNT(*) FROM assignment WHERE ended_reason = 'lapsed'"),
        "reassignments": one("SELECT COUNT(*) FROM assignment WHERE attempt > 1"),
        "provisional": _provisional(tx),
        "put_backs": one("SELECT COUNT(*) FROM fact WHERE kind = 'put_back'"),
        "returns": table("SELECT disposition, COUNT(*) FROM goods_return GROUP BY disposition ORDER BY 1"),
        "returns_elsewhere": counts["returns at another store"],
        "overrides": counts["releases by override"],
        "no_shows": one("SELECT COUNT(*) FROM event WHERE kind = 'no_show'"),
        "cases": table("SELECT kind, COUNT(*) FROM open_case GROUP BY kind ORDER BY kind"),
        "cases_open": one("SELECT COUNT(*) FROM open_case WHERE state = 'open'"),
        "facts": one("SELECT COUNT(*) FROM fact"),
        "facts_by_kind": table("SELECT kind, COUNT(*) FROM fact GROUP BY kind ORDER BY 2 DESC"),
        "verdicts": table("SELECT verdict, COUNT(*) FROM fact GROUP BY verdict ORDER BY 2 DESC"),
        "decisions": one("SELECT COUNT(*) FROM decision"),
        "frames": sum(line.frames for line in lines),
        "frames_lost": sum(line.lost for line in lines),
        "bytes": sum(line.bytes for line in lines),
        "outages": sum(line.cuts for line in lines),
        "hours_offline": round(sum(line.down_ms for line in lines) / 3_600_000, 1),
        "commits": commits,
        "refusals": dict(witness.refused.most_common(40)),
        "seen_by_people": dict(sorted(counts.items())),
        "steps": steps,
        "audits": looks,
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "orders_per_s": round(len(demand.baskets) / wall_s, 1) if wall_s else 0.0,
        "rules": audit.rules,
        "details": audit.details[:40],
        "ok": audit.ok,
    }


def _provisional(tx: Tx) -> dict[str, int]:
    """How acceptances made with the line down ended."""
    ends = Counter(
        str(row[0])
        for row in tx.execute(
            "SELECT CASE WHEN f.verdict <> 'applied' THEN f.verdict"
            " WHEN a.released_at > 0 THEN 'confirmed and released'"
            " WHEN a.confirmed_at > 0 THEN 'confirmed' ELSE a.ended_reason END"
            " FROM fact f JOIN assignment a ON a.fence = f.fence"
            " WHERE f.kind = 'accepted' AND json_extract(CAST(f.raw AS TEXT), '$.b.provisional') = 1"
        )
    )
    return {"accepted": sum(ends.values()), **dict(sorted(ends.items()))}
