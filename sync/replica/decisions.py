"""What the centre's decisions and bulk rows do to the replica.

`effect` is the decision's part alone: centre-owned columns and differences that add up, so it
gives the same state before or after facts that the centre had not seen. `react` is what
the store owes in return (a withdrawal taken, units given, a double payment credited, an offer accepted
that it asked for): facts of its own, recorded in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sync.replica import effects, history, log, notices, read
from sync.replica.context import Context
from sync.replica.effects.counting import close_sheet, open_sheet
from sync.replica.effects.stock import move
from sync.replica.stand_in import accept_own
from sync.rules import stock
from sync.rules.states import State
from sync.sqlite import Connection
from sync.wire import decisions as d
from sync.wire import facts as f


class UnknownDecision(Exception):
    """A kind this version does not know. The lane has to wait for an upgrade; nothing may be skipped."""


def apply_decision(tx: Connection, number: int, decision: d.Decision, ctx: Context) -> set[str]:
    """Apply one decision, and record what the store owes in return. Hints of what changed."""
    body = d.body_of(decision)
    if body is None:
        raise UnknownDecision(decision.kind)
    stage = _stage(tx, decision.fence)
    effect(tx, number, body, decision)
    history.decision(tx, body, decision.fence, decision.at)
    return react(tx, number, body, decision.fence, stage, ctx) | _hints(body, decision.fence)


def effect(tx: Connection, number: int, body: d.Body, decision: d.Decision) -> None:
    """The decision's own part. Adds up with any facts that come before or after it."""
    fence = decision.fence
    move(tx, stock.decided(body))
    match body:
        case d.Offered():
            _offered(tx, body, fence, decision.at)
        case d.Confirmed():
            tx.execute(
                "UPDATE assignment SET confirmed = 1, owner_until = ? WHERE fence = ?",
                (body.owner_until, fence),
            )
        case d.Extended():
            tx.execute(
                "UPDATE assignment SET accept_by = CASE ?1 WHEN 0 THEN accept_by ELSE ?1 END, "
                "owner_until = CASE ?2 WHEN 0 THEN owner_until ELSE ?2 END WHERE fence = ?3",
                (body.accept_by, body.owner_until, fence),
            )
        case d.Withdrawn():
            tx.execute(
                "UPDATE assignment SET withdrawn = 1, withdrawn_at = ?, withdrawn_reason = ?, "
                "withdrawn_to = ?, withdrawn_to_at = ? WHERE fence = ?",
                (decision.at, body.reason, body.to_name or body.to_store, body.accepted_at, fence),
            )
        case d.VerdictGiven():
            tx.execute(
                "UPDATE fact SET verdict = ?, note = ? WHERE number = ?",
                (body.verdict, body.case or body.reason, body.number),
            )
        case d.CountAsked():
            _count_asked(tx, number, body, decision.at)
        case d.StockLoaded():
            tx.executemany(
                "INSERT OR IGNORE INTO count_doubt (sheet, sku) "
                "SELECT id, ? FROM count_sheet WHERE kind = 'full' AND state = 'open'",
                [(sku,) for sku, _qty, _share in body.rows],
            )
            tx.executemany(
                "UPDATE variance SET moved = 1 WHERE sku = ? AND state = 'open'",
                [(sku,) for sku, _qty, _share in body.rows],
            )
        case d.TransferAnnounced():
            tx.executemany(
                "INSERT INTO transfer (code, direction, other, sku, qty, at) VALUES (?, 'in', ?, ?, ?, ?) "
                "ON CONFLICT (code, direction, sku) DO UPDATE SET qty = qty + excluded.qty, "
                "other = excluded.other",
                [(body.transfer, body.sender, sku, qty, decision.at) for sku, qty in body.rows],
            )
        case d.ReturnKnown():
            tx.executemany(
                "INSERT OR REPLACE INTO returnable (order_no, line, sku, qty, told_at) "
                "VALUES (?, ?, ?, ?, ?)",
                [(body.order, line, sku, qty, decision.at) for line, sku, qty in body.lines],
            )
    if fence:
        effects.settle(tx, fence, decision.at)


def react(tx: Connection, number: int, body: d.Body, fence: int, stage: str, ctx: Context) -> set[str]:
    """The facts that a decision calls for. Each is recorded once: a rebase finds it in the log."""
    match body:
        case d.Offered() if body.answers:
            return accept_own(tx, body.answers, fence, ctx)
        case d.Withdrawn():
            take_withdrawal(tx, fence, stage, ctx)
            return {"notice"}
        case d.DebtPaid():
            credit(tx, body.sku, ctx)
        case d.Asked():
            share = read.shelf(tx, body.sku).share
            # Told even when nothing can be given: a shopper is waiting for the answer.
            _record(tx, f.Gave(body.sku, min(max(body.qty, 0), share), number), ctx)
        case d.VerdictGiven() if body.verdict in ("late", "stale", "parked"):
            _verdict_notice(tx, body, fence, ctx)
            return {"notice"}
    return set()


def take_withdrawal(tx: Connection, fence: int, stage: str, ctx: Context) -> None:
    """Say that this store will not release under the fence any more, and tell its people."""
    row = read.assignment(tx, fence)
    if row is None:
        # Never heard of it: the centre still has to know that nothing will leave here.
        log.append(tx, f.WithdrawalTaken(stage=str(State.CLOSED)), ctx, fence=fence)
        return
    if row["ended_at"] == 0:
        units = sum(qty for _line, _sku, qty in read.to_put_back(tx, fence))
        _record(tx, f.WithdrawalTaken(stage, units), ctx, fence)
    # Only what somebody here had begun is news to them: an offer nobody answered just moves on.
    begun = row["accepted_at"] and row["progress"] != "declined" and not row["expired"]
    notices.make(
        tx,
        f"withdrawn:{fence}",
        "withdrawn",
        ctx.moment.now,
        fence,
        silent=not begun,
        fo=row["fo"],
        order=row["order_no"],
        reason=row["withdrawn_reason"],
        time=row["withdrawn_at"],
        to=read.store_called(tx, row["withdrawn_to"]),
        since=row["withdrawn_to_at"],
    )


def tell_owned(tx: Connection, fence: int, until: int, ctx: Context) -> None:
    """The centre has forgotten that it had confirmed this turn. Nobody else can have been given it."""
    _record(tx, f.OwnedBefore(until), ctx, fence)


def credit(tx: Connection, sku: str, ctx: Context) -> None:
    """Debt below zero was paid here and by the centre: what is over becomes share again."""
    row = tx.execute("SELECT debt FROM stock WHERE sku = ?", (sku,)).fetchone()
    if row is not None and row[0] < 0:
        _record(tx, f.Credited(sku, -row[0]), ctx)


def _record(tx: Connection, body: f.Body, ctx: Context, fence: int = 0) -> None:
    log.append(tx, body, ctx, fence=fence)
    history.fact(tx, body, ctx, fence)
    effects.apply(tx, body, ctx, fence)


def _stage(tx: Connection, fence: int) -> str:
    row = tx.execute("SELECT state FROM assignment WHERE fence = ?", (fence,)).fetchone() if fence else None
    return str(row[0]) if row else str(State.CLOSED)


def _offered(tx: Connection, body: d.Offered, fence: int, at: int) -> None:
    made = tx.execute(
        "INSERT OR IGNORE INTO assignment (fence, fo, order_no, kind, channel, offered_at, accept_by, "
        "promised_by, attempt, shopper, phone_tail, code_salt, code_hash, address, note, "
        "substitution, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            fence,
            body.fo,
            body.order,
            body.kind,
            body.channel,
            at,
            body.accept_by,
            body.promised_by,
            body.attempt,
            body.shopper,
            body.phone_tail,
            body.code_salt,
            body.code_hash,
            body.address,
            body.note,
            body.substitution,
            at,
        ),
    )
    if made.rowcount:
        tx.executemany(
            "INSERT INTO assignment_line (fence, line, sku, qty, order_line, sellable, instead_of, "
            "substitutes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (fence, x.line, x.sku, x.qty, x.order_line, x.sellable, x.instead_of, listed(x.substitutes))
                for x in body.lines
            ],
        )


def listed(substitutes: tuple[str, ...]) -> str:
    """As the column has it: '' where anything may come instead."""
    return json.dumps(substitutes) if substitutes else ""


def _count_asked(tx: Connection, number: int, body: d.CountAsked, at: int) -> None:
    if body.sheet and body.cancelled:
        close_sheet(tx, body.sheet, "cancelled", at)
        return
    if body.sheet:
        kind = "full" if body.areas else "list"
        open_sheet(tx, (body.sheet, kind, body.name, body.scope, body.blind), body.areas, "", at)
    if body.sku:
        tx.execute(
            "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at, sheet) "
            "VALUES (?, 'count', ?, ?, ?, ?, ?)",
            (f"count:{number}", body.sku, body.reason, body.not_by, at, body.sheet),
        )


def _verdict_notice(tx: Connection, body: d.VerdictGiven, fence: int, ctx: Context) -> None:
    fact = tx.execute("SELECT fence FROM fact WHERE number = ?", (body.number,)).fetchone()
    row = read.assignment(tx, fence or (fact[0] if fact else 0))
    if row is None:
        return
    if body.kind in ("handed_over", "shipped"):
        kind = "released_late"
    elif row["withdrawn"]:
        return  # the withdrawal's own notice says it better
    else:
        kind = "verdict"
    notices.make(
        tx,
        f"verdict:{body.number}",
        kind,
        ctx.moment.now,
        row["fence"],
        fo=row["fo"],
        order=row["order_no"],
        verdict=body.verdict,
        case=body.case,
    )


def _hints(body: d.Body, fence: int) -> set[str]:
    found = {f"assignment:{fence}"} if fence else set()
    found |= {f"stock:{move.sku}" for move in stock.decided(body)}
    if isinstance(body, d.CountAsked | d.TransferAnnounced):
        found.add("task")
    return found


# --- bulk streams ------------------------------------------------------------------------


def apply_rows(tx: Connection, stream: str, rows: Iterable[d.Row]) -> None:
    """Set or remove keyed rows of a bulk stream (`people:S001` and `people` are the same here)."""
    name = stream.partition(":")[0]
    for row in rows:
        key, body = row["key"], row["body"]
        if name == "catalogue":
            _item(tx, key, body)
        elif name == "people":
            _person(tx, key, body)
        elif name == "policy":
            _keyed(tx, "policy", "key", key, body and {"value": _text(body["value"])})
        elif name == "shelves":
            _keyed(tx, "shelf", "sku", key, body and {"location": body["location"]})
        elif name == "needs":
            _keyed(
                tx,
                "need",
                "sku",
                key,
                body and {"till": body["till"], "online": body["online"], "favour": body["favour"]},
            )
        elif name == "stores":
            _keyed(
                tx,
                "store",
                "code",
                key,
                body
                and {
                    "name_en": body["name_en"],
                    "name_zh": body["name_zh"],
                    "region": body.get("region", ""),
                    "timezone": body.get("timezone", "UTC"),
                },
            )
        elif name == "sellables":
            _keyed(
                tx,
                "sellable",
                "code",
                key,
                body
                and {
                    "name_en": body["name_en"],
                    "name_zh": body["name_zh"],
                    "parts": json.dumps(body["parts"]),
                },
            )
        else:
            raise UnknownDecision(f"stream {stream}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _keyed(tx: Connection, table: str, key_column: str, key: str, values: dict[str, Any] | None) -> None:
    if not values:
        tx.execute(f"DELETE FROM {table} WHERE {key_column} = ?", (key,))
        return
    columns = [key_column, *values]
    marks = ", ".join("?" * len(columns))
    tx.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})", (key, *values.values())
    )


def _item(tx: Connection, sku: str, body: dict[str, Any] | None) -> None:
    tx.execute("DELETE FROM gtin WHERE sku = ?", (sku,))
    _keyed(
        tx,
        "item",
        "sku",
        sku,
        body
        and {
            "name_en": body["name_en"],
            "name_zh": body["name_zh"],
            "detail_en": body.get("detail_en", ""),
            "detail_zh": body.get("detail_zh", ""),
            "price_fen": body.get("price_fen", 0),
            "serialised": int(body.get("serialised", False)),
        },
    )
    if body:
        tx.executemany(
            "INSERT OR REPLACE INTO gtin (gtin, sku) VALUES (?, ?)",
            [(str(gtin).zfill(14), sku) for gtin in body.get("gtins", ())],
        )


def _person(tx: Connection, person: str, body: dict[str, Any] | None) -> None:
    if not body:
        tx.execute("DELETE FROM person WHERE id = ?", (person,))
        return
    # Wrong tries are the store's own count: a re-sent row must not hand out new ones. A new PIN does.
    tx.execute(
        "INSERT INTO person (id, name, role, pin_hash, language, active) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, "
        "wrong_pins = CASE WHEN pin_hash = excluded.pin_hash THEN wrong_pins ELSE 0 END, "
        "locked_until = CASE WHEN pin_hash = excluded.pin_hash THEN locked_until ELSE 0 END, "
        "pin_hash = excluded.pin_hash, language = excluded.language, active = excluded.active",
        (
            person,
            body["name"],
            body["role"],
            body["pin_hash"],
            body.get("language", "en"),
            int(body.get("active", True)),
        ),
    )
