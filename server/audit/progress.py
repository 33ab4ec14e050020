"""Rules 6 and 7, and that every order has an owner, an outcome or an open case."""

from __future__ import annotations

from server.audit.reading import Reading
from server.audit.verdict import Audit


def on_time(seen: Reading, found: Audit, latest: int) -> None:
    """No offer is left where it is after its deadline, and none is taken away before it."""
    for fence, store, accept_by in seen.centre.execute(
        "SELECT fence, store, accept_by FROM assignment"
        " WHERE ended_at = 0 AND ownership = 'none' AND accept_by < ?",
        (latest,),
    ):
        found.against(
            "on_time", f"assignment {fence} at {store}: due {(latest - accept_by) // 1000} s before the slack"
        )
    if seen.first:
        for fence, store, early_ms in seen.centre.execute(
            "SELECT fence, store, accept_by - ended_at FROM assignment"
            " WHERE ended_reason = 'lapsed' AND ended_at > 0 AND ended_at < accept_by"
        ):
            found.against("on_time", f"assignment {fence} at {store} was taken away {early_ms} ms too early")


def no_blockage(seen: Reading, found: Audit, *, settled: bool) -> None:
    for store, incarnation, number in seen.parked:
        # A case gathers only so much evidence: one that is full speaks for the facts it dropped.
        row = seen.centre.execute(
            "SELECT 1 FROM open_case c WHERE c.store = ? AND (json_array_length(c.evidence) >= 50"
            " OR EXISTS (SELECT 1 FROM json_each(c.evidence) e"
            " WHERE json_extract(e.value, '$.number') = ? AND json_extract(e.value, '$.incarnation') = ?))",
            (store, number, incarnation),
        ).fetchone()
        if row is None:
            found.against(
                "no_blockage", f"fact {number} of {store}/{incarnation} is parked, and no case tells a person"
            )
    for store, incarnation in seen.centre.execute(
        "SELECT store, incarnation FROM replica WHERE state = 'held' AND NOT EXISTS"
        " (SELECT 1 FROM open_case c WHERE c.store = replica.store AND c.state = 'open')"
    ):
        found.against("no_blockage", f"replica {store}/{incarnation} is held, and no case tells a person")
    if settled:
        for side in seen.stores.values():
            for key, value in side.db.execute("SELECT key, value FROM meta WHERE key LIKE '%held%'"):
                if value not in ("", "0", "{}", "[]"):
                    found.against("no_blockage", f"store {side.code}: a lane is held ({key} = {value})")


def owned(seen: Reading, found: Audit, *, settled: bool) -> None:
    for fo, state, fence, store in seen.centre.execute(
        "SELECT f.fo, f.state, f.fence, f.store FROM fulfilment_order f"
        " WHERE f.state IN ('offered', 'owned') AND NOT EXISTS"
        " (SELECT 1 FROM assignment a WHERE a.fence = f.fence AND a.fo = f.fo AND a.store = f.store"
        "  AND a.ended_at = 0 AND (f.state = 'offered') = (a.ownership IN ('none', 'provisional')))"
    ):
        found.against("owned", f"{fo} is {state} by assignment {fence} at {store}, which says otherwise")
    for (fo,) in seen.centre.execute(
        "SELECT fo FROM assignment WHERE ended_at = 0 AND released_at = 0 GROUP BY fo HAVING COUNT(*) > 1"
    ):
        found.against("owned", f"{fo} has two open assignments")
    states = "('person', 'waiting', 'offered')" if settled else "('person')"
    for fo, state in seen.centre.execute(
        f"SELECT f.fo, f.state FROM fulfilment_order f WHERE f.state IN {states} AND NOT EXISTS"
        " (SELECT 1 FROM open_case c WHERE c.order_no = f.order_no AND c.state = 'open')"
    ):
        found.against("owned", f"{fo} is {state}, and no case is open")
    if settled or seen.first:
        _every_unit_has_somebody(seen, found)


_NOBODY = """
SELECT w.order_no, w.line, w.sku, w.qty - COALESCE(g.live, 0)
FROM (
  SELECT l.order_no, l.line, COALESCE(p.sku, l.sellable) AS sku, l.qty * COALESCE(p.qty, 1) AS qty
  FROM shop_order_line l
  JOIN shop_order o ON o.no = l.order_no AND o.state IN ('open', 'done')
  LEFT JOIN sellable_part p ON p.sellable = l.sellable
) w
LEFT JOIN (
  SELECT f.order_no, fl.order_line, fl.sku, SUM(fl.qty - fl.cancelled) AS live
  FROM fulfilment_line fl JOIN fulfilment_order f ON f.fo = fl.fo
  GROUP BY f.order_no, fl.order_line, fl.sku
) g ON g.order_no = w.order_no AND g.order_line = w.line AND g.sku = w.sku
WHERE w.qty > COALESCE(g.live, 0)
  AND NOT EXISTS (SELECT 1 FROM open_case c WHERE c.order_no = w.order_no)
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.order_no = w.order_no
                  AND e.kind IN ('short_picked', 'refused', 'no_show', 'cancelled'))
"""


def _every_unit_has_somebody(seen: Reading, found: Audit) -> None:
    """What was ordered was released, is being worked on, ended before everybody's eyes, or has a case."""
    for order, line, sku, missing in seen.centre.execute(_NOBODY):
        found.against("owned", f"order {order} line {line}: nobody answers for {missing} of {sku}")
