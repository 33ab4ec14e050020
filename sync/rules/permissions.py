"""Who may do what: the roles and grants as data, and the one function that asks them.

Pages, API, store node and board all call `may`. Deny by default. The table has a
version, so that a later change can be told apart in what was decided under it.
A grant says how far it reaches (the role's own scope), whether a second person has to
stand by it, whether it shows everything, and whether it holds with the line down.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync.rules.refusals import Refusal, Why

VERSION = 5


class Scope(StrEnum):
    """How far a role reaches. Where it stands is the actor's own store, region or channel."""

    STORE = "store"
    REGION = "region"
    GROUP = "group"
    CHANNEL = "channel"


class Level(StrEnum):
    FULL = "full"
    SECOND = "second"
    """Only with another person's PIN on the same screen."""
    READ = "read"
    """Read only, or masked."""


@dataclass(frozen=True)
class Grant:
    level: Level
    offline: bool = False


@dataclass(frozen=True)
class Actor:
    """Somebody, or something, that wants to act. `store`/`region`/`channel`: where it stands."""

    person: str
    role: str
    store: str = ""
    region: str = ""
    channel: str = ""


SCOPES: dict[str, Scope] = {
    "associate": Scope.STORE,
    "store_lead": Scope.STORE,
    "node": Scope.STORE,
    "device": Scope.STORE,
    "till": Scope.STORE,
    "regional_manager": Scope.REGION,
    "hq_ops": Scope.GROUP,
    "finance": Scope.GROUP,
    "customer_service": Scope.GROUP,
    "auditor": Scope.GROUP,
    "system_operator": Scope.GROUP,
    "channel": Scope.CHANNEL,
}
ROLES = tuple(SCOPES)

_full = Grant(Level.FULL)
_full_off = Grant(Level.FULL, offline=True)
_second = Grant(Level.SECOND)
_second_off = Grant(Level.SECOND, offline=True)
_read = Grant(Level.READ)
_read_off = Grant(Level.READ, offline=True)

GRANTS: dict[str, dict[str, Grant]] = {
    "order.view": {
        "associate": _read_off,
        "store_lead": _read_off,
        "regional_manager": _read,
        "hq_ops": _read,
        "customer_service": _read,
        "channel": _read,
        "node": _full_off,
        "device": _read_off,
    },
    "order.import": {"channel": _full, "hq_ops": _full},
    "order.accept": {"associate": _full_off, "store_lead": _full_off},
    "order.reject": {"associate": _full_off, "store_lead": _full_off},
    "order.reassign": {"regional_manager": _full, "hq_ops": _full},
    "order.cancel": {
        "regional_manager": _second,
        "hq_ops": _full,
        "channel": _full,
        "customer_service": _full,
    },
    "pick": {"associate": _full_off, "store_lead": _full_off},
    "pack": {"associate": _full_off, "store_lead": _full_off},
    "put_back": {"associate": _full_off, "store_lead": _full_off},
    "print": {"associate": _full_off, "store_lead": _full_off},
    "ship": {"associate": _full_off, "store_lead": _full_off},
    "handover": {"associate": _full_off, "store_lead": _full_off},
    "handover.override": {"associate": _second_off, "store_lead": _second_off},
    "return.receive": {"associate": _full_off, "store_lead": _full_off, "till": _full_off},
    "return.blind": {"associate": _second_off, "store_lead": _second_off},
    "return.grade": {"associate": _full_off, "store_lead": _full_off},
    "return.release": {"associate": _second_off, "store_lead": _full_off, "hq_ops": _full},
    "refund.decide": {"finance": _full, "hq_ops": _full},
    "stock.view": {
        "associate": _read_off,
        "store_lead": _read_off,
        "regional_manager": _read,
        "hq_ops": _read,
        "channel": _read,
        "till": _read_off,
    },
    "stock.count": {
        "associate": _full_off,
        "store_lead": _full_off,
        "regional_manager": _read,
        "hq_ops": _read,
    },
    "stock.ask_count": {"store_lead": _full_off, "regional_manager": _full, "hq_ops": _full},
    "stock.confirm_count": {"associate": _second_off, "store_lead": _full_off},
    "stock.receive": {"associate": _full_off, "store_lead": _full_off},
    "stock.transfer": {"associate": _full_off, "store_lead": _full_off},
    "stock.adjust_down": {"associate": _second_off, "store_lead": _full_off, "hq_ops": _full},
    "stock.adjust_up": {"store_lead": _second_off, "hq_ops": _second},
    "stock.feed": {"channel": _full, "hq_ops": _full},
    "stock.quota": {"store_lead": _read, "hq_ops": _full, "channel": _full},
    "catalogue.feed": {"channel": _full, "hq_ops": _full},
    "till.sell": {"till": _full_off, "associate": _full_off, "store_lead": _full_off},
    "training.hold": {"store_lead": _full_off},
    "store.pause": {"store_lead": _full_off, "regional_manager": _full, "hq_ops": _full},
    "notice.dismiss": {"associate": _full_off, "store_lead": _full_off},
    "board.view": {
        "associate": _read_off,
        "store_lead": _read_off,
        "regional_manager": _full,
        "hq_ops": _full,
        "customer_service": _read,
        "auditor": _read,
        "system_operator": _read,
    },
    "case.view": {
        "store_lead": _read,
        "regional_manager": _full,
        "hq_ops": _full,
        "customer_service": _read,
        "auditor": _read,
    },
    "case.close": {"regional_manager": _full, "hq_ops": _full},
    "customer.reveal": {
        "store_lead": _second,
        "hq_ops": _second,
        "customer_service": _second,
        "channel": _full,
    },
    # Also with the line down: handhelds break in outages too, and the code is the store node's own.
    "device.enrol": {"store_lead": _full_off, "regional_manager": _full, "hq_ops": _full},
    "device.mark_lost": {
        "associate": _full_off,
        "store_lead": _full_off,
        "regional_manager": _full,
        "hq_ops": _full,
    },
    "node.enrol": {"hq_ops": _second, "system_operator": _second},
    "staff.manage": {"store_lead": _full, "regional_manager": _full, "hq_ops": _full},
    "pin.reset": {"store_lead": _full_off, "regional_manager": _full, "hq_ops": _full},
    "policy.change": {"hq_ops": _second},
    "audit.view": {
        "associate": _read_off,
        "store_lead": _read,
        "regional_manager": _read,
        "hq_ops": _read,
        "auditor": _full,
    },
    "export": {"regional_manager": _second, "hq_ops": _full, "channel": _full, "auditor": _full},
    "outbox.view": {"regional_manager": _read, "hq_ops": _full, "system_operator": _full, "auditor": _read},
    "line.cut": {"hq_ops": _full, "regional_manager": _full},
    "sync.push": {"node": _full_off},
    "sync.pull": {"node": _full_off},
    "timer": {"node": _full_off},
}
PERMISSIONS = tuple(GRANTS)


def grant(role: str, permission: str) -> Grant | None:
    """What the table says. An unknown permission is a bug of the caller, not a refusal."""
    return GRANTS[permission].get(role)


def may(
    actor: Actor,
    permission: str,
    *,
    store: str = "",
    region: str = "",
    channel: str = "",
    online: bool = True,
    read: bool = False,
) -> Refusal | None:
    """None when the actor may; else the refusal to show.

    `store`, `region`, `channel` say where the thing is; leave them empty where the permission
    concerns the actor's own place only. `read=True` is enough for masked or read-only grants.
    Whether a second person is needed is told by `needs_second`.
    """
    given = grant(actor.role, permission)
    facts = {"person": actor.person, "role": actor.role, "permission": permission}
    if given is None or (given.level is Level.READ and not read and not _reading(permission)):
        return Refusal(Why.NOT_ALLOWED, facts)
    if not _in_scope(actor, store=store, region=region, channel=channel):
        return Refusal(Why.OUT_OF_SCOPE, facts | {"place": store or region or channel})
    if not online and not given.offline:
        return Refusal(Why.NEEDS_LINE, facts)
    return None


def needs_second(role: str, permission: str) -> bool:
    given = grant(role, permission)
    return given is not None and given.level is Level.SECOND


def _reading(permission: str) -> bool:
    return permission.endswith(".view")


def _in_scope(actor: Actor, *, store: str, region: str, channel: str) -> bool:
    match SCOPES[actor.role]:
        case Scope.GROUP:
            return True
        case Scope.STORE:
            # A store's own people have no business with another store, nor with a whole region.
            return bool(actor.store) and store in ("", actor.store) and (bool(store) or not region)
        case Scope.REGION:
            return bool(actor.region) and region in ("", actor.region) and not (store and not region)
        case Scope.CHANNEL:
            return bool(actor.channel) and channel in ("", actor.channel)
