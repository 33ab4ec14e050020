"""Placing an order: checked, exploded into items, routed and offered in one transaction.

Idempotent by (channel, external id): a repeat with the same content is told where the
order stands, one with other content is refused. An order that nobody can do now is
taken all the same; it waits for stock, and a person can see it.
"""

from __future__ import annotations

import hashlib
import json

import msgspec

from server.db import Tx
from server.offers.rows import PartRow
from server.offers.turn import route_part
from server.orders.new import NewLine, NewOrder, Part, Placed
from server.orders.parts import PartLine, make_part
from server.outbox.events import happened
from server.routing.choice import Need
from server.routing.map import map_of
from sync.ids import Dice
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.secrets import hash_code
from sync.rules.states import Kind
from sync.texts import N_

__all__ = ["NewLine", "NewOrder", "Part", "Placed", "place"]

MOST_LINES = 200
MOST_UNITS = 10_000
MOST_SUBSTITUTES = 20
SUBSTITUTIONS = frozenset({"", "ask", "allowed"})
_KINDS = frozenset(str(kind) for kind in Kind)


def place(tx: Tx, new: NewOrder, *, now: int, dice: Dice) -> Placed:
    """Raises sync.rules.refusals.Refused for what cannot be sold; nothing is written then."""
    fingerprint = _fingerprint(new)
    known = tx.execute(
        "SELECT no, fingerprint FROM shop_order WHERE channel = ? AND external_id = ?",
        (new.channel, new.external_id),
    ).fetchone()
    if known is not None:
        if known["fingerprint"] != fingerprint:
            raise refuse(Why.ORDER_DIFFERS, external_id=new.external_id, order=known["no"])
        return placed(tx, known["no"], repeated=True)
    sold, items = _checked(tx, new)
    order_no = _next_order_no(tx)
    code = salt = hashed = ""
    if new.kind == Kind.PICKUP:
        code = f"{int.from_bytes(dice(8), 'big') % 1_000_000:06d}"
        salt = dice(8).hex()
        hashed = hash_code(code, salt)
    tx.execute(
        "INSERT INTO shop_order (no, channel, external_id, kind, placed_at, promised_by, pickup_store, lat,"
        " lon, name, phone, address, language, note, pickup_code, code_salt, code_hash, fingerprint,"
        " substitution) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            order_no,
            new.channel,
            new.external_id,
            new.kind,
            now,
            new.promised_by,
            new.pickup_store,
            new.lat,
            new.lon,
            new.name,
            new.phone,
            new.address,
            new.language,
            new.note,
            code,
            salt,
            hashed,
            fingerprint,
            new.substitution,
        ),
    )
    tx.executemany(
        "INSERT INTO shop_order_line (order_no, line, sellable, qty, price_fen, substitutes)"
        " VALUES (?,?,?,?,?,?)",
        [
            (order_no, n, sku, line.qty, line.price_fen, instead)
            for n, (sku, line, instead) in enumerate(sold, 1)
        ],
    )
    fo = f"{order_no}-1"
    make_part(tx, fo, order_no, items, now)
    told = {"external_id": new.external_id, "kind": new.kind}
    happened(tx, "placed", at=now, order_no=order_no, channel=new.channel, data=told)
    part = PartRow(
        fo=fo,
        order_no=order_no,
        state="waiting",
        fence=0,
        attempts=0,
        next_try_at=0,
        kind=new.kind,
        channel=new.channel,
        order_state="open",
        pickup_store=new.pickup_store,
        lat=new.lat,
        lon=new.lon,
        promised_by=new.promised_by,
        name=new.name,
        phone=new.phone,
        address=new.address,
        note=new.note,
        code_salt=salt,
        code_hash=hashed,
        substitution=new.substitution,
    )
    needs = tuple(
        Need(item.line, item.sku, item.qty, item.order_line if item.sellable else 0) for item in items
    )
    route_part(tx, part, needs, now)
    return placed(tx, order_no, repeated=False)


def placed(tx: Tx, order_no: str, *, repeated: bool) -> Placed:
    """Where an order stands, as its channel is told."""
    order = tx.execute("SELECT state, pickup_code FROM shop_order WHERE no = ?", (order_no,)).fetchone()
    parts = tuple(
        Part(row["fo"], row["state"], row["store"], row["fence"], row["accept_by"])
        for row in tx.execute(
            "SELECT f.fo, f.state, f.store, f.fence, coalesce(a.accept_by, 0) AS accept_by"
            " FROM fulfilment_order f LEFT JOIN assignment a ON a.fence = f.fence"
            " WHERE f.order_no = ? ORDER BY f.made_at, f.fo",
            (order_no,),
        ).fetchall()
    )
    return Placed(order_no, order["state"], parts, order["pickup_code"], repeated)


def _checked(tx: Tx, new: NewOrder) -> tuple[list[tuple[str, NewLine, str]], list[PartLine]]:
    """What was sold, by our codes and with what may come instead, and the items it is made of."""
    if not new.channel or not new.external_id:
        raise _bad(N_("An order needs its channel and the channel's own id."))
    if new.kind not in _KINDS:
        raise _bad(N_("{kind} is no kind of order: pickup, shipment or same_day."), kind=new.kind[:40])
    if not 1 <= len(new.lines) <= MOST_LINES:
        raise _bad(N_("An order has 1 to {most} lines, not {lines}."), most=MOST_LINES, lines=len(new.lines))
    if not (-90 <= new.lat <= 90 and -180 <= new.lon <= 180):
        raise _bad(N_("lat and lon are not a place on Earth."))
    if new.substitution not in SUBSTITUTIONS:
        raise _bad(N_("substitution is none, ask or allowed."))
    if new.substitution == "ask" and new.kind != Kind.PICKUP:
        raise _bad(N_("Only the shopper of a pickup can be asked: say allowed or none."))
    if new.kind == Kind.PICKUP:
        store = map_of(tx).stores.get(new.pickup_store)
        if store is None:
            raise refuse(Why.UNKNOWN_STORE, store=new.pickup_store)
        if Kind.PICKUP not in store.kinds:
            raise _bad(N_("{store} does not hand over pickups."), store=new.pickup_store)
    sold: list[tuple[str, NewLine, str]] = []
    items: list[PartLine] = []
    for number, line in enumerate(new.lines, start=1):
        if not 1 <= line.qty <= MOST_UNITS:
            raise refuse(Why.BAD_QUANTITY, qty=line.qty)
        code, parts = _resolve(tx, new.channel, line.sku)
        bundle = "" if parts == [(code, 1)] else code
        sold.append((code, line, _instead(tx, new, number, code, bundle)))
        for sku, each in parts:
            items.append(PartLine(len(items) + 1, number, bundle, sku, each * line.qty))
    return sold, items


def _instead(tx: Tx, new: NewOrder, number: int, code: str, bundle: str) -> str:
    """Of one line what may come instead, by our codes, as its column has it."""
    names = new.lines[number - 1].substitutes
    if not names:
        return ""
    if not new.substitution:
        raise _bad(N_("Line {line}: substitutes need substitution ask or allowed."), line=number)
    if bundle:
        raise _bad(N_("Line {line}: substitutes are for articles; {sku} is a bundle."), line=number, sku=code)
    if len(names) > MOST_SUBSTITUTES:
        raise _bad(N_("Line {line}: at most {most} substitutes."), line=number, most=MOST_SUBSTITUTES)
    found: list[str] = []
    for name in names:
        try:
            sku, parts = _resolve(tx, new.channel, name)
        except Refused:
            raise _bad(N_("Line {line}, substitutes: {sku} is not known."), line=number, sku=name) from None
        if parts != [(sku, 1)] or sku == code:
            raise _bad(
                N_("Line {line}, substitutes: {sku} cannot stand in for {of}."),
                line=number,
                sku=name,
                of=code,
            )
        found.append(sku)
    return json.dumps(list(dict.fromkeys(found)))


def _bad(problem: str, **facts: object) -> Refused:
    return refuse(Why.BAD_INPUT, problem={"say": problem, **facts})


def _resolve(tx: Tx, channel: str, name: str) -> tuple[str, list[tuple[str, int]]]:
    """An item, a bundle, or what the channel calls one of them; and the items that it is made of."""
    listing = tx.execute(
        "SELECT sellable FROM listing WHERE channel = ? AND external_sku = ?", (channel, name)
    ).fetchone()
    code = listing[0] if listing else name
    if tx.execute("SELECT 1 FROM item WHERE sku = ?", (code,)).fetchone():
        return code, [(code, 1)]
    parts = [
        (row[0], row[1])
        for row in tx.execute(
            "SELECT sku, qty FROM sellable_part WHERE sellable = ? ORDER BY sku", (code,)
        ).fetchall()
    ]
    if not parts:
        raise refuse(Why.UNKNOWN_SKU, sku=name)
    return code, parts


def _fingerprint(new: NewOrder) -> str:
    content = msgspec.to_builtins(new)
    if not new.substitution:  # as it was before orders said it: a repeat across an upgrade is the same order
        del content["substitution"]
    for line in content["lines"]:
        if not line["substitutes"]:
            del line["substitutes"]
    return hashlib.blake2b(msgspec.json.encode(content), digest_size=16).hexdigest()


def _next_order_no(tx: Tx) -> str:
    row = tx.execute(
        "INSERT INTO meta (key, value) VALUES ('order_no', '1')"
        " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchone()
    return f"YP-{int(row[0]):06d}"
