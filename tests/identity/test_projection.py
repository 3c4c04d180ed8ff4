"""What is declared becomes who there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autonomy.identity import PersonRecord, State, UnitRecord
from tests.identity.world import AGENTS, PEOPLE, UNITS, World, agent_record, code_of


def test_a_declared_agent_gets_a_spiffe_id_and_becomes_active(world: World) -> None:
    clerk = world.agent("clerk")
    assert clerk.id.startswith("spiffe://example.org/agent/") and len(clerk.id.rsplit("/", 1)[1]) == 26
    assert clerk.state is State.ACTIVE and clerk.created_at == world.now
    assert (clerk.unit, clerk.sponsor, clerk.revision) == ("payables", "ana", "digest-of-clerk")
    assert world.agent("helper").parent == clerk.id


def test_the_log_names_every_new_agent_with_its_id(world: World) -> None:
    (leaf,) = [leaf for leaf in world.leaves() if leaf["event"] == "agents.created"]
    assert leaf["agents"] == {one.name: world.agent(one.name).id for one in AGENTS}
    assert leaf["actor"] == "person:cleo" and leaf["kind"] == "identity"


def test_declaring_the_same_again_changes_nothing(world: World) -> None:
    before, leaves = world.epoch, len(world.leaves())
    assert world.project() == world.project()
    assert (world.epoch, len(world.leaves())) == (before, leaves)


def test_a_changed_declaration_keeps_the_id_and_moves_the_epoch(world: World) -> None:
    clerk, epoch = world.agent("clerk"), world.epoch
    world.declare("clerk", rate_per_minute=5, revision="second")
    again = world.agent("clerk")
    assert (again.id, again.rate_per_minute, again.revision) == (clerk.id, 5, "second")
    assert world.epoch == epoch + 1


def test_an_agent_without_a_role_is_a_draft_until_it_has_one(world: World) -> None:
    draft = agent_record("novice", "finance", "ana", roles=())
    world.project(agents=[*AGENTS, draft])
    assert world.agent("novice").state is State.DRAFT
    assert world.refusal(world.api_key("novice")) == "agent.draft"
    world.project(agents=[*AGENTS, replace(draft, roles=("buyer",))])
    assert world.agent("novice").state is State.ACTIVE


def test_an_agent_at_work_cannot_lose_its_last_role(world: World) -> None:
    assert code_of(lambda: world.declare("clerk", roles=())) == "agent.roles"
    assert world.agent("clerk").roles == ("buyer",)


def test_names_of_retired_agents_are_never_used_again(world: World) -> None:
    old = world.agent("clerk").id
    rest = [one for one in AGENTS if one.name not in ("clerk", "helper")]
    assert set(world.project(agents=rest, retire=["clerk"]).retired) == {old, world.agent("helper").id}
    assert code_of(lambda: world.project(agents=AGENTS)) == "agent.name_used"
    assert world.agent("clerk").id == old and world.agent("clerk").state is State.RETIRED


def test_who_was_retired_here_stays_retired_while_still_declared(world: World) -> None:
    world.identity.retire("buyer", "person:cleo", "replaced")
    assert world.project().ended == ("buyer",)
    assert world.agent("buyer").state is State.RETIRED


def test_people_who_left_stay_gone_and_their_names_are_never_used_again(world: World) -> None:
    world.identity.offboard("ben", "person:cleo", "left")
    assert world.project().ended == ("ben",)
    world.project(people=[one for one in PEOPLE if one.name != "ben"], offboard=["ben"])
    assert code_of(lambda: world.project()) == "person.name_used"


def test_removing_a_person_offboards_them_but_not_agents_given_to_another_sponsor(world: World) -> None:
    moved = [replace(one, sponsor="ana") if one.name == "buyer" else one for one in AGENTS]
    done = world.project(people=[one for one in PEOPLE if one.name != "ben"], agents=moved, offboard=["ben"])
    assert done.offboarded == ("ben",)
    assert world.agent("buyer").state is State.ACTIVE
    assert world.agent("planner").state is State.SUSPENDED


def test_a_declaration_leaves_somebody_who_administers(world: World) -> None:
    def of(access: Sequence[str], who: str = "cleo") -> list[PersonRecord]:
        return [replace(one, access=tuple(access)) if one.name == who else replace(one, access=()) for one in PEOPLE]

    world.project(people=of(["admin"]))
    epoch = world.epoch
    assert code_of(lambda: world.project(people=of(["viewer"]))) == "person.last_admin"
    assert world.epoch == epoch
    world.project(people=of(["admin"], "ana"))
    rest = [one for one in of(["admin"], "ana") if one.name != "ana"]
    assert code_of(lambda: world.project(people=rest, offboard=["ana"])) == "person.last_admin"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"units": [UnitRecord("a", "b"), UnitRecord("b", "a")]}, "unit.cycle"),
        ({"units": [UnitRecord("a", "nowhere")]}, "unit.parent"),
        ({"agents": [agent_record("new", "nowhere", "ana")]}, "agent.unit"),
        ({"agents": [agent_record("new", "finance", "nobody")]}, "agent.sponsor"),
        ({"agents": [agent_record("new", "finance", "ana", "nobody")]}, "agent.parent"),
        ({"agents": [agent_record("clerk", "finance", "ana", "helper"), AGENTS[1]]}, "agent.cycle"),
        ({"agents": [AGENTS[0], AGENTS[0]]}, "agent.twice"),
        ({"agents": [agent_record("Not A Name", "finance", "ana")]}, "agent.name"),
        ({"people": [PersonRecord("dan", "D", "d@example.com", manager="nobody")]}, "person.manager"),
        ({"people": [PersonRecord("dan", "D", "d@example.com", access=("king",))]}, "access.unknown"),
        ({"people": [replace(PEOPLE[0], external_subject="https://idp.example|cleo")]}, "person.subject"),
        ({"retire": ["nobody"]}, "agent.unknown"),
        ({"offboard": ["nobody"]}, "person.unknown"),
    ],
)
def test_a_declaration_that_does_not_hold_together_changes_nothing(world: World, change: dict, code: str) -> None:
    epoch, agents = world.epoch, world.identity.agents()
    assert code_of(lambda: world.project(**change)) == code
    assert world.epoch == epoch and world.identity.agents() == agents


def test_a_child_cannot_be_declared_below_a_retired_parent(world: World) -> None:
    world.identity.retire("buyer", "person:cleo", "replaced")
    child = agent_record("new", "operations", "ben", "buyer")
    assert code_of(lambda: world.project(agents=[*AGENTS, child])) == "agent.parent"


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_agents_are_projected_in_one_change(world: World, count: int) -> None:
    many = [agent_record(f"agent-{number}", "operations", "ben") for number in range(count)]
    done = world.project(units=UNITS, agents=[*AGENTS, *many])
    assert len(done.created) == len(set(done.created.values())) == count
    assert world.agent(f"agent-{count - 1}").state is State.ACTIVE
