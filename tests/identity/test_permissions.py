"""Who may do what, and that nobody approves their own."""

from __future__ import annotations

import re

from autonomy.identity import ROLES, Identity, Permission, rules
from autonomy.kernel.clock import HOUR
from tests.identity.world import World


def test_permissions_are_alphabetical_and_say_scope_resource_action() -> None:
    values = [one.value for one in Permission]
    assert values == sorted(values) and len(values) == len(set(values))
    assert all(re.fullmatch(r"[a-z]+:[a-z]+:[a-z]+", value) for value in values)
    assert all(one.name == one.value.upper().replace(":", "_") for one in Permission)


def test_every_permission_is_held_by_some_role_and_every_role_sees_what_viewers_see() -> None:
    assert frozenset().union(*ROLES.values()) == frozenset(Permission)
    assert sorted(ROLES) == ["admin", "approver", "auditor", "supervisor", "viewer"]
    assert all(ROLES["viewer"] <= admitted for admitted in ROLES.values())


def test_who_writes_the_rules_does_not_decide_under_them() -> None:
    assert {name for name, held in ROLES.items() if Permission.APPROVALS_HOLD_DECIDE in held} == {"approver"}
    assert {name for name, held in ROLES.items() if Permission.CATALOG_CHANGE_APPLY in held} == {"admin"}


def test_an_auditor_changes_nothing() -> None:
    reading = {"read", "export", "review", "explain", "recompute"}  # the last one compares, and mends for others only
    assert {permission.rsplit(":", 1)[1] for permission in ROLES["auditor"]} <= reading


def test_nobody_stands_on_both_sides_of_a_request(world: World, identity: Identity) -> None:
    identity.delegate("buyer", "clerk", ["order.create"], HOUR, "person:cleo")
    own = identity.authenticate(world.token("clerk"))
    for_buyer = identity.authenticate(world.token("clerk", act_for="buyer"))
    assert rules.same_person_behind(own.chain, "ana") and not rules.same_person_behind(own.chain, "ben")
    assert rules.same_person_behind(for_buyer.chain, "ana") and rules.same_person_behind(for_buyer.chain, "ben")
    assert not rules.same_person_behind(for_buyer.chain, "cleo")


def test_the_sponsor_of_a_parent_agent_is_answerable_for_the_child(world: World, identity: Identity) -> None:
    world.declare("helper", sponsor="ben", owner="ben")
    caller = identity.authenticate(world.api_key("helper"))
    assert caller.accountable == {"ana", "ben"}
