"""The table of roles is the test's input: role, permission, scope, line. Deny by default."""

from __future__ import annotations

import itertools

import pytest

from sync.rules.permissions import (
    GRANTS,
    PERMISSIONS,
    ROLES,
    SCOPES,
    Actor,
    Level,
    Scope,
    grant,
    may,
    needs_second,
)
from sync.rules.refusals import Why

PLACES = {
    "own": ("S001", "EAST", "web"),
    "sibling": ("S002", "EAST", "app"),
    "other": ("S900", "WEST", "app"),
}


def actor(role: str) -> Actor:
    return Actor("p1", role, store="S001", region="EAST", channel="web")


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_every_role_in_every_place_with_and_without_a_line(role: str) -> None:
    cases = 0
    for permission, place, online, read in itertools.product(
        PERMISSIONS, PLACES, (True, False), (True, False)
    ):
        store, region, channel = PLACES[place]
        answer = may(
            actor(role), permission, store=store, region=region, channel=channel, online=online, read=read
        )
        given = grant(role, permission)
        reaches = {
            Scope.GROUP: True,
            Scope.STORE: place == "own",
            Scope.REGION: place != "other",
            Scope.CHANNEL: place == "own",
        }[SCOPES[role]]
        if given is None or (given.level is Level.READ and not read and not permission.endswith(".view")):
            assert answer is not None
            assert answer.reason is Why.NOT_ALLOWED
        elif not reaches:
            assert answer is not None
            assert answer.reason is Why.OUT_OF_SCOPE
        elif not online and not given.offline:
            assert answer is not None
            assert answer.reason is Why.NEEDS_LINE
        else:
            assert answer is None
        cases += 1
    assert cases == len(PERMISSIONS) * 12


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        ("associate", "order.accept", True),
        ("regional_manager", "order.accept", False),
        ("associate", "order.reassign", False),
        ("hq_ops", "order.reassign", True),
        ("associate", "handover", True),
        ("channel", "handover", False),
        ("associate", "store.pause", False),
        ("store_lead", "store.pause", True),
        ("channel", "order.import", True),
        ("node", "order.import", False),
        ("till", "pick", False),
        ("auditor", "audit.view", True),
        ("auditor", "case.close", False),
        ("finance", "refund.decide", True),
        ("node", "sync.push", True),
        ("hq_ops", "sync.push", False),
        ("nobody", "pick", False),
    ],
)
def test_the_lines_of_the_table_that_matter_most(role: str, permission: str, allowed: bool) -> None:
    if role == "nobody":
        assert grant(role, permission) is None
        return
    assert (may(actor(role), permission) is None) is allowed


def test_a_region_is_not_reached_by_naming_only_a_store() -> None:
    manager = actor("regional_manager")
    assert may(manager, "order.reassign", store="S900") is not None
    assert may(manager, "order.reassign", store="S900", region="EAST") is None


def test_somebody_without_a_place_reaches_nothing() -> None:
    for role, scope in SCOPES.items():
        if scope is not Scope.GROUP:
            for permission, grants in GRANTS.items():
                if role in grants:
                    assert may(Actor("p", role), permission, read=True) is not None


def test_an_override_always_takes_two() -> None:
    assert needs_second("associate", "handover.override")
    assert needs_second("store_lead", "handover.override")
    assert needs_second("associate", "return.blind")
    assert not needs_second("store_lead", "return.release")


def test_an_unknown_permission_is_a_bug_and_not_a_refusal() -> None:
    with pytest.raises(KeyError):
        may(actor("associate"), "order.acept")
