"""States of agents, stops, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autonomy.identity import Identity, State, rules
from autonomy.kernel.clock import HOUR, MINUTE
from tests.identity.world import (
    AGENTS,
    PASSWORD,
    PEOPLE,
    World,
    agent_record,
    code_of,
    other_process,
)

DRAFT, PILOT, ACTIVE, SUSPENDED, CONTAINED, RETIRED = State

# From each state, where each step leads; None: it is refused and nothing changes.
MATRIX: dict[State, dict[str, State | None]] = {
    DRAFT: dict(promote=None, suspend=SUSPENDED, contain=CONTAINED, reinstate=None, retire=RETIRED),
    PILOT: dict(promote=ACTIVE, suspend=SUSPENDED, contain=CONTAINED, reinstate=None, retire=RETIRED),
    ACTIVE: dict(promote=None, suspend=SUSPENDED, contain=CONTAINED, reinstate=None, retire=RETIRED),
    SUSPENDED: dict(promote=None, suspend=None, contain=CONTAINED, reinstate=ACTIVE, retire=RETIRED),
    CONTAINED: dict(promote=None, suspend=CONTAINED, contain=CONTAINED, reinstate=ACTIVE, retire=RETIRED),
    RETIRED: dict(promote=None, suspend=None, contain=None, reinstate=None, retire=None),
}
STEPS = list(MATRIX[DRAFT])


def step(identity: Identity, name: str, agent: str = "novice") -> None:
    who = "person:ben"
    ways: dict[str, Callable[[], object]] = {
        "promote": lambda: identity.promote(agent, who),
        "suspend": lambda: identity.suspend(agent, who, "why"),
        "contain": lambda: identity.contain("agent", agent, who, "why"),
        "reinstate": lambda: identity.reinstate(agent, who, "it is safe again"),
        "retire": lambda: identity.retire(agent, who, "why"),
    }
    ways[name]()


def novice(world: World, state: State) -> None:
    """An agent `novice` in `state`."""
    record = agent_record("novice", "operations", "ben", roles=() if state is DRAFT else ("buyer",))
    world.project(agents=[*AGENTS, replace(record, pilot=state is PILOT)])
    for name in {SUSPENDED: ["suspend"], CONTAINED: ["contain"], RETIRED: ["retire"]}.get(state, []):
        step(world.identity, name)
    assert world.agent("novice").state is state


@pytest.mark.parametrize("state", MATRIX)
@pytest.mark.parametrize("name", STEPS)
def test_each_step_leads_where_the_matrix_says(world: World, state: State, name: str) -> None:
    novice(world, state)
    epoch, leaves = world.epoch, len(world.leaves())
    expected = MATRIX[state][name]
    if expected is None:
        assert code_of(lambda: step(world.identity, name)) == "agent.move"
        assert (world.agent("novice").state, world.epoch, len(world.leaves())) == (state, epoch, leaves)
        return
    step(world.identity, name)
    assert world.agent("novice").state is expected
    moved = (name, state) != ("contain", CONTAINED)
    assert (world.epoch, len(world.leaves())) == (epoch + moved, leaves + moved)


def test_every_step_of_the_matrix_is_a_move_the_rules_allow() -> None:
    reached = {
        (state, to) for state, ways in MATRIX.items() for to in ways.values() if to is not None and to is not state
    }
    by_declaration = {(DRAFT, PILOT), (DRAFT, ACTIVE)}
    back_to_where_it_was = {(SUSPENDED, DRAFT), (SUSPENDED, PILOT), (CONTAINED, DRAFT), (CONTAINED, PILOT)}
    allowed = {(state, to) for state, moves in rules.MOVES.items() for to in moves}
    assert reached | by_declaration | back_to_where_it_was | {(CONTAINED, SUSPENDED)} == allowed


@pytest.mark.parametrize("state", [s for s in State if s not in rules.WORKING])
def test_only_working_agents_are_admitted(world: World, state: State) -> None:
    novice(world, ACTIVE if state is not DRAFT else DRAFT)
    key = world.api_key("novice")
    for name in {SUSPENDED: ["suspend"], CONTAINED: ["contain"], RETIRED: ["retire"]}.get(state, []):
        step(world.identity, name)
    expected = "agent.retired" if state is RETIRED else f"agent.{state}"
    assert world.refusal(key) == expected


def test_a_pilot_works_and_its_caller_says_so(world: World, identity: Identity) -> None:
    novice(world, PILOT)
    assert identity.authenticate(world.api_key("novice")).state is PILOT


@pytest.mark.parametrize("state", [DRAFT, PILOT, ACTIVE])
def test_reinstating_leads_back_to_where_it_was(world: World, state: State) -> None:
    novice(world, state)
    for name in ("suspend", "contain", "reinstate"):
        step(world.identity, name)
    assert world.agent("novice").state is SUSPENDED
    step(world.identity, "reinstate")
    assert world.agent("novice").state is state


@pytest.mark.parametrize(
    ("by", "reason", "code"),
    [
        ("system", "it is safe", "reinstate.person"),
        ("agent:spiffe://example.org/agent/x", "it is safe", "reinstate.person"),
        ("person:ben", "", "reinstate.reason"),
        ("person:ben", "  ", "reinstate.reason"),
        ("person:ben", "two\nlines", "reason.invalid"),
        ("person:ben", "x" * 1_001, "reason.invalid"),
        ("person:nobody", "it is safe", "person.unknown"),
        ("person:ana", "it is safe", "person.offboarded"),
        ("ben", "it is safe", "actor.invalid"),
    ],
)
def test_only_a_person_who_is_here_reinstates_and_says_why(world: World, by: str, reason: str, code: str) -> None:
    world.identity.offboard("ana", "person:cleo", "left")
    step(world.identity, "contain", "buyer")
    assert code_of(lambda: world.identity.reinstate("buyer", by, reason)) == code
    assert world.agent("buyer").state is CONTAINED


CONTAINMENTS = [
    # scope, target, who is stopped among clerk, helper, buyer
    ("agent", "clerk", {"clerk", "helper"}),
    ("agent", "helper", {"helper"}),
    ("unit", "payables", {"clerk", "helper"}),
    ("unit", "finance", {"clerk", "helper"}),
    ("unit", "operations", {"buyer"}),
    ("unit", "company", {"clerk", "helper", "buyer"}),
    ("everything", "*", {"clerk", "helper", "buyer"}),
    ("tool", "order.create", set()),
]


@pytest.mark.parametrize(("scope", "target", "stopped"), CONTAINMENTS)
def test_a_containment_stops_all_below_it_at_the_next_call_in_every_process(world: World, scope, target, stopped):
    identity, elsewhere = world.identity, other_process(world)
    keys = {name: world.api_key(name) for name in ("clerk", "helper", "buyer")}
    callers = {name: elsewhere.admit(key, world.epoch) for name, key in keys.items()}
    made = identity.contain(scope, target, "person:ben", "strange orders")
    epoch = world.epoch
    refused = set()
    for name, key in keys.items():
        found = elsewhere.contained(epoch, callers[name])
        assert elsewhere.containment_of(epoch, name) == found
        if found is not None:
            assert found == made
            refused.add(name)
            code = code_of(lambda k=key: elsewhere.admit(k, epoch))
            assert code in ("agent.contained", "agent.parent")
        else:
            assert elsewhere.admit(key, epoch).name == name
    assert refused == stopped
    leaf = world.last_leaf()
    assert (leaf["kind"], leaf["event"], leaf["scope"], leaf["actor"]) == (
        "containment",
        "contained",
        scope,
        "person:ben",
    )
    identity.reinstate(made.id, "person:ben", "explained")
    assert [elsewhere.admit(key, world.epoch).name for key in keys.values()] == list(keys)
    assert world.last_leaf()["event"] == "reinstated"


def test_a_contained_tool_is_contained_for_everybody_and_others_are_not(world: World, identity: Identity) -> None:
    made = identity.contain("tool", "order.create", "system", "twelve identical calls")
    caller = identity.authenticate(world.api_key("buyer"))
    assert identity.contained(world.epoch, caller, "order.create") == made
    assert identity.contained(world.epoch, tool="order.create") == made
    assert identity.contained(world.epoch, caller, "stock.get") is None
    assert identity.contained(world.epoch) is None


def test_containing_twice_is_one_containment_and_lifting_twice_is_refused(world: World, identity: Identity) -> None:
    first = identity.contain("unit", "finance", "person:ben", "strange")
    assert identity.contain("unit", "finance", "system", "again") == first
    assert identity.containments() == [first]
    identity.reinstate(first.id, "person:ben", "explained")
    assert code_of(lambda: identity.reinstate(first.id, "person:ben", "explained")) == "containment.lifted"
    assert identity.containments() == []
    (ended,) = identity.containments(ended=True)
    assert (ended.lifted_by, ended.lift_reason, ended.lifted_at) == ("person:ben", "explained", world.now)
    second = identity.contain("unit", "finance", "person:ben", "strange again")
    assert second.id != first.id and other_process(world).contained(world.epoch, tool=None) is None


@pytest.mark.parametrize(
    ("scope", "target", "code"),
    [
        ("agent", "nobody", "agent.unknown"),
        ("agent", "no\x00body", "agent.unknown"),
        ("unit", "nowhere", "unit.unknown"),
        ("tool", "*", "containment.scope"),
        ("everything", "x", "containment.scope"),
        ("planet", "earth", "containment.scope"),
    ],
)
def test_what_does_not_exist_cannot_be_contained(world: World, scope, target: str, code: str) -> None:
    assert code_of(lambda: world.identity.contain(scope, target, "system", "why")) == code
    assert world.identity.containments() == []


def test_a_suspended_parent_stops_its_children_without_changing_them(world: World, identity: Identity) -> None:
    key = world.api_key("helper")
    identity.suspend("clerk", "person:ana", "odd")
    assert world.refusal(key) == "agent.parent"
    assert world.agent("helper").state is ACTIVE
    identity.reinstate("clerk", "person:ana", "explained")
    assert identity.authenticate(key).name == "helper"


def test_a_contained_unit_stops_children_of_its_agents_in_other_units(world: World, identity: Identity) -> None:
    world.declare("helper", unit="operations")
    key = world.api_key("helper")
    stop = identity.contain("unit", "finance", "system", "strange")
    assert world.refusal(key) == "agent.contained"
    identity.reinstate(stop.id, "person:ben", "explained")
    assert identity.authenticate(key).unit == "operations"


def test_retiring_ends_children_credentials_tokens_and_delegations(world: World, identity: Identity) -> None:
    bearers = [world.token("clerk"), world.api_key("clerk"), world.token("helper"), world.api_key("helper")]
    identity.delegate("buyer", "helper", ["stock.get"], HOUR, "person:cleo")
    identity.delegate("clerk", "planner", ["stock.get"], HOUR, "person:cleo")
    ids = {world.agent("clerk").id, world.agent("helper").id}
    assert set(identity.retire("clerk", "person:cleo", "replaced")) == ids
    assert [world.refusal(bearer) for bearer in bearers] == ["agent.retired"] * 4
    assert all(one.revoked_at == world.now for one in identity.delegations())
    assert all(one.revoked_at == world.now for one in identity.credentials())
    assert code_of(lambda: world.client("helper")) == "agent.retired"
    assert set(world.last_leaf()["agents"]) == ids


def test_offboarding_a_sponsor_suspends_their_agents_and_ends_their_secrets(world: World, identity: Identity) -> None:
    bearers = [world.token("clerk"), world.api_key("helper"), world.api_key("clerk")]
    untouched = world.api_key("buyer")
    done = identity.offboard("ana", "person:cleo", "left the company")
    assert set(done.suspended) == {world.agent("clerk").id, world.agent("helper").id}
    assert done.credentials_revoked == 3
    assert {world.refusal(bearer) for bearer in bearers} == {"agent.suspended"}
    assert identity.authenticate(untouched).name == "buyer"
    assert code_of(lambda: identity.reinstate("clerk", "person:ben", "needed")) == "agent.sponsor"
    assert code_of(lambda: identity.offboard("ana", "person:cleo", "again")) == "person.offboarded"


def test_agents_of_a_sponsor_who_left_resume_under_a_new_one_but_their_old_secrets_do_not(world, identity) -> None:
    key = world.api_key("clerk")
    identity.offboard("ana", "person:cleo", "left")
    world.declare("clerk", sponsor="ben")
    assert world.agent("clerk").state is ACTIVE and world.agent("helper").state is SUSPENDED
    assert world.refusal(key) == "credential.revoked"
    assert identity.authenticate(world.api_key("clerk")).sponsor == "ben"


def test_an_agent_a_person_suspended_stays_so_under_a_new_sponsor(world: World, identity: Identity) -> None:
    identity.suspend("clerk", "person:ben", "odd")
    identity.offboard("ana", "person:cleo", "left")
    world.declare("clerk", sponsor="ben", owner="ben")
    assert world.agent("clerk").state is SUSPENDED
    identity.reinstate("clerk", "person:ben", "explained")
    assert world.agent("clerk").state is ACTIVE


def test_a_person_can_suspend_what_rests_already_for_another_reason(world: World, identity: Identity) -> None:
    identity.offboard("ana", "person:cleo", "left")
    identity.contain("agent", "clerk", "system", "strange")
    identity.suspend("clerk", "person:ben", "to be looked at")
    world.declare("clerk", sponsor="ben", owner="ben")
    identity.reinstate("clerk", "person:ben", "not strange")
    assert world.agent("clerk").state is SUSPENDED


def test_a_new_agent_of_a_sponsor_who_left_is_born_suspended(world: World, identity: Identity) -> None:
    identity.offboard("ana", "person:cleo", "left")
    world.project(agents=[*AGENTS, agent_record("late", "finance", "ana")])
    assert world.agent("late").state is SUSPENDED


def test_offboarding_ends_the_persons_own_access_and_names_the_secrets_they_saw(world: World, identity: Identity):
    identity.accept_invitation(identity.invite("ben"), PASSWORD)
    session = identity.sign_in("ben", PASSWORD)
    link = identity.invite("ben")
    seen = identity.issue_credential("clerk", "api_key", "person:ben")
    assert identity.offboard("ben", "person:cleo", "left").known_to_them == (seen.id,)
    assert code_of(lambda: identity.person(session)) == "session.invalid"
    with world.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT ended_at FROM session").scalars().all() == [world.now]
    assert code_of(lambda: identity.accept_invitation(link, PASSWORD)) == "invitation.invalid"
    assert code_of(lambda: identity.sign_in("ben", PASSWORD)) == "sign_in.failed"
    assert code_of(lambda: identity.invite("ben")) == "person.offboarded"


def test_each_change_leaves_one_record_that_names_who_did_it(world: World, identity: Identity) -> None:
    before = len(world.leaves())
    identity.suspend("clerk", "person:ben", "odd")
    identity.reinstate("clerk", "person:ana", "explained")
    identity.retire("buyer", "person:cleo", "replaced")
    told = [(leaf["event"], leaf["actor"], leaf["reason"]) for leaf in world.leaves()[before:]]
    assert told == [
        ("agent.suspended", "person:ben", "odd"),
        ("agent.reinstated", "person:ana", "explained"),
        ("agent.retired", "person:cleo", "replaced"),
    ]
    assert [leaf["epoch"] for leaf in world.leaves()[before:]] == list(range(world.epoch - 2, world.epoch + 1))


def test_an_access_review_lists_who_can_act_and_by_what_means(world: World, identity: Identity) -> None:
    world.api_key("clerk")
    identity.revoke(world.client("clerk").id, "person:cleo")
    identity.delegate("buyer", "clerk", ["stock.get"], 10 * MINUTE, "person:cleo")
    identity.retire("planner", "person:cleo", "replaced")
    identity.offboard("ben", "person:cleo", "left")
    rows = {row.name: row for row in identity.access_review()}
    assert sorted(rows) == ["ana", "buyer", "cleo", "clerk", "helper"]
    assert (rows["clerk"].kind, rows["clerk"].live_credentials, rows["clerk"].unit) == ("agent", 1, "payables")
    assert rows["buyer"].state == "suspended" and rows["cleo"].access == ("admin",)
    # The delegation ended with the sponsor who left.
    assert rows["clerk"].acts_for == ()
    assert [person.name for person in identity.people()] == [one.name for one in PEOPLE]


def test_an_access_review_shows_whom_an_agent_acts_for_while_it_may(world: World, identity: Identity) -> None:
    identity.delegate("buyer", "clerk", ["stock.get"], 10 * MINUTE, "person:cleo")
    assert {row.name: row.acts_for for row in identity.access_review()}["clerk"] == ("buyer",)
    world.later(10 * MINUTE)
    assert {row.name: row.acts_for for row in identity.access_review()}["clerk"] == ()
