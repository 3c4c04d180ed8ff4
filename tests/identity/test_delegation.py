"""Acting for others: never more than they may, never longer, never without end."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy.identity import Identity, rules
from autonomy.identity.model import Delegation
from autonomy.identity.oauth import oauth_error
from autonomy.identity.proof import Secret
from autonomy.kernel.clock import DAY, HOUR, MINUTE
from autonomy.kernel.errors import Conflict, Invalid, Unauthenticated
from tests.examples import tried
from tests.identity.world import AGENTS, World, agent_record, code_of, other_process

TOOLS = ("stock.get", "order.create", "supplier.get")


def delegate(world: World, giver: str, taker: str, tools=TOOLS, ttl: int = HOUR) -> Delegation:
    return world.identity.delegate(giver, taker, tools, ttl, "person:cleo")


def exchanged(world: World, taker: str, subject_token: str) -> str:
    client = world.client(taker)
    return world.identity.exchange(Secret(client.id, client.secret), subject_token).access_token


def test_an_agent_acts_for_another_with_the_tools_granted_to_it(world: World, identity: Identity) -> None:
    grant = delegate(world, "buyer", "clerk")
    caller = identity.authenticate(world.token("clerk", act_for="buyer"))
    assert [one.name for one in caller.chain] == ["clerk", "buyer"]
    assert caller.name == "clerk" and caller.tools == frozenset(TOOLS) and caller.delegations == (grant.id,)
    assert caller.may_use("stock.get") and not caller.may_use("payment.release")
    assert caller.accountable == {"ana", "ben"}


def test_a_chain_names_everybody_in_order_and_leaves_the_tools_of_every_link(world: World, identity: Identity) -> None:
    delegate(world, "buyer", "clerk", TOOLS)
    delegate(world, "clerk", "planner", ("stock.get", "payment.release"))
    token = exchanged(world, "planner", world.token("clerk", act_for="buyer"))
    caller = identity.authenticate(token)
    assert [one.name for one in caller.chain] == ["planner", "clerk", "buyer"]
    assert caller.tools == {"stock.get"}
    claims = jwt.decode(token, options={"verify_signature": False})
    planner, clerk, buyer = (world.agent(name).id for name in ("planner", "clerk", "buyer"))
    # RFC 8693, section 4.1: the outermost actor is the one acting now.
    assert claims["sub"] == buyer and claims["act"] == {"sub": planner, "act": {"sub": clerk}}


def test_a_grant_that_ends_ends_the_tokens_and_the_chains_resting_on_it(world: World, identity: Identity) -> None:
    first = delegate(world, "buyer", "clerk")
    delegate(world, "clerk", "planner")
    short = world.token("clerk", act_for="buyer")
    long = exchanged(world, "planner", short)
    elsewhere = other_process(world)
    assert elsewhere.admit(long, world.epoch).name == "planner"
    identity.revoke_delegation(first.id, "person:cleo")
    assert world.refusal(short) == world.refusal(long) == "delegation.ended"
    assert code_of(lambda: elsewhere.admit(long, world.epoch)) == "delegation.ended"
    identity.revoke_delegation(first.id, "person:cleo")
    assert [leaf["event"] for leaf in world.leaves()].count("delegation.revoked") == 1


@pytest.mark.parametrize("end", ["suspend", "retire", "revoke"])
def test_when_anybody_in_a_chain_ends_the_chain_ends(world: World, identity: Identity, end: str) -> None:
    delegate(world, "buyer", "clerk")
    delegate(world, "clerk", "planner")
    token = exchanged(world, "planner", world.token("clerk", act_for="buyer"))
    identity.authenticate(token)
    codes = {"suspend": "agent.suspended", "retire": "agent.retired", "revoke": "token.revoked"}
    {"suspend": identity.suspend, "retire": identity.retire, "revoke": identity.revoke}[end](
        "buyer", "person:cleo", "stop"
    )
    assert world.refusal(token) == codes[end]


def test_a_token_lasts_no_longer_than_the_grant_it_rests_on(world: World, identity: Identity) -> None:
    delegate(world, "buyer", "clerk", ttl=MINUTE)
    client = world.client("clerk")
    answer = identity.token(Secret(client.id, client.secret), act_for="buyer")
    assert answer.expires_in == 60
    assert identity.authenticate(answer.access_token).name == "clerk"
    world.later(MINUTE)
    # Not even within the leeway for clocks: the grant is ours and needs none.
    assert world.refusal(answer.access_token) == "delegation.ended"
    assert code_of(lambda: identity.token(Secret(client.id, client.secret), act_for="buyer")) == "oauth.invalid_grant"


def test_an_exchanged_token_lasts_no_longer_than_the_one_it_came_from(world: World, identity: Identity) -> None:
    delegate(world, "buyer", "clerk")
    subject, client = world.token("buyer"), world.client("clerk")
    world.later(4 * MINUTE)
    assert identity.exchange(Secret(client.id, client.secret), subject).expires_in == 60
    world.later(2 * MINUTE)
    assert code_of(lambda: identity.exchange(Secret(client.id, client.secret), subject)) == "oauth.invalid_grant"


def test_a_new_grant_between_the_same_two_replaces_the_one_before(world: World, identity: Identity) -> None:
    delegate(world, "buyer", "clerk", TOOLS)
    token = world.token("clerk", act_for="buyer")
    second = delegate(world, "buyer", "clerk", ["stock.get"])
    assert world.refusal(token) == "delegation.ended"
    assert identity.authenticate(world.token("clerk", act_for="buyer")).tools == {"stock.get"}
    assert [one.id for one in identity.delegations("clerk") if rules.live(one, world.now)] == [second.id]
    assert other_process(world).admit(world.token("clerk", act_for="buyer"), world.epoch).tools == {"stock.get"}


def test_nobody_gets_a_token_for_an_agent_that_may_not_act(world: World, identity: Identity) -> None:
    delegate(world, "buyer", "clerk")
    client = world.client("clerk")
    identity.suspend("buyer", "person:ben", "odd")
    assert code_of(lambda: identity.token(Secret(client.id, client.secret), act_for="buyer")) == "oauth.invalid_grant"


def test_circles_are_refused(world: World) -> None:
    delegate(world, "buyer", "clerk")
    delegate(world, "clerk", "planner")
    for giver, taker in [("clerk", "clerk"), ("clerk", "buyer"), ("planner", "buyer")]:
        assert code_of(lambda g=giver, t=taker: delegate(world, g, t)) == "delegation.cycle"


def test_an_expired_grant_no_longer_stands_in_the_way(world: World) -> None:
    delegate(world, "buyer", "clerk", ttl=MINUTE)
    world.later(MINUTE)
    assert delegate(world, "clerk", "buyer").to_agent == world.agent("buyer").id


def test_a_chain_has_at_most_eight_grants(world: World, identity: Identity) -> None:
    crowd = [agent_record(f"a{number}", "operations", "ben") for number in range(10)]
    world.project(agents=[*AGENTS, *crowd])
    for number in range(8):
        delegate(world, f"a{number}", f"a{number + 1}")
    assert code_of(lambda: delegate(world, "a8", "a9")) == "delegation.depth"
    assert code_of(lambda: delegate(world, "a9", "a0")) == "delegation.depth"
    token = world.token("a0")
    for number in range(1, 9):
        token = exchanged(world, f"a{number}", token)
    caller = identity.authenticate(token)
    assert [one.name for one in caller.chain] == [f"a{number}" for number in range(8, -1, -1)]


@pytest.mark.parametrize("tools", [[], ["*"], ["stock.*"], [""], ["Stock"], ["stock.get", "*"], ["a b"], ["\x00"]])
def test_patterns_are_never_delegated(world: World, tools: list[str]) -> None:
    assert code_of(lambda: delegate(world, "buyer", "clerk", tools)) == "delegation.tools"


@pytest.mark.parametrize("ttl", [0, -1, 999, 30 * DAY + 1])
def test_a_grant_has_an_end_in_sight(world: World, ttl: int) -> None:
    assert code_of(lambda: delegate(world, "buyer", "clerk", ttl=ttl)) == "delegation.ttl"


def test_an_agent_delegates_and_ends_only_for_itself(world: World, identity: Identity) -> None:
    buyer, clerk, planner = (f"agent:{world.agent(name).id}" for name in ("buyer", "clerk", "planner"))
    assert code_of(lambda: identity.delegate("buyer", "clerk", TOOLS, HOUR, clerk)) == "delegation.giver"
    grant = identity.delegate("buyer", "clerk", TOOLS, HOUR, buyer)
    assert code_of(lambda: identity.revoke_delegation(grant.id, planner)) == "delegation.giver"
    identity.revoke_delegation(grant.id, clerk)
    assert code_of(lambda: identity.revoke_delegation("del_nothing", clerk)) == "delegation.unknown"


def test_a_retired_agent_neither_gives_nor_takes(world: World, identity: Identity) -> None:
    identity.retire("buyer", "person:cleo", "replaced")
    assert code_of(lambda: delegate(world, "buyer", "clerk")) == "agent.retired"
    assert code_of(lambda: delegate(world, "clerk", "buyer")) == "agent.retired"


def test_a_refusal_at_the_token_endpoint_has_its_standard_body() -> None:
    error = Invalid("nothing is delegated", code="oauth.invalid_grant")
    assert oauth_error(error) == {"error": "invalid_grant", "error_description": "nothing is delegated"}
    assert oauth_error(Invalid("no", code="json.syntax"))["error"] == "invalid_request"


# Random graphs against an oracle that walks them naively.

NODES = [f"n{number}" for number in range(11)]
ALL_TOOLS = ["t0", "t1", "t2", "t3"]

links = st.builds(
    lambda ends, tools, expires, revoked: (ends, frozenset(tools), expires, revoked),
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)),
    st.sets(st.sampled_from(ALL_TOOLS), min_size=1),
    st.integers(1, 100),
    st.booleans(),
)


def accepted(drawn: list) -> list[Delegation]:
    """The grants of `drawn` that our rule takes in, one after another."""
    grants: list[Delegation] = []
    for number, ((giver, taker), tools, expires, _) in enumerate(drawn):
        edges = [(one.from_agent, one.to_agent) for one in grants]
        try:
            rules.check_delegation(edges, giver, taker)
        except Conflict:
            assert naively_refused(edges, giver, taker)
            continue
        assert not naively_refused(edges, giver, taker)
        grants.append(Delegation(f"d{number}", giver, taker, tools, expires, None, "system"))
    return grants


def walks(edges: list[tuple[str, str]], start: str, limit: int = 12) -> list[list[str]]:
    """Every walk from `start` of at most `limit` links."""
    found, growing = [[start]], [[start]]
    for _ in range(limit):
        growing = [[*walk, target] for walk in growing for source, target in set(edges) if source == walk[-1]]
        found += growing
    return found


def naively_refused(edges: list[tuple[str, str]], giver: str, taker: str) -> bool:
    after = [*edges, (giver, taker)]
    return any(len(walk) > 9 or len(set(walk)) < len(walk) for node in NODES for walk in walks(after, node))


@settings(max_examples=tried(300), deadline=None)
@given(st.lists(links, max_size=9))
def test_no_accepted_graph_has_a_circle_or_a_long_chain_and_no_harmless_grant_is_refused(drawn: list) -> None:
    accepted(drawn)


@settings(max_examples=tried(300), deadline=None)
@given(st.permutations(NODES), st.integers(1, 10), st.data())
def test_a_child_never_has_more_than_any_parent_nor_for_longer(nodes: list[str], depth: int, data) -> None:
    chain = nodes[: depth + 1]  # acting first
    grants = [
        Delegation(
            f"d{at}",
            chain[at + 1],
            chain[at],
            frozenset(data.draw(st.sets(st.sampled_from(ALL_TOOLS), min_size=1))),
            data.draw(st.integers(10, 100)),
            data.draw(st.one_of(st.none(), st.none(), st.none(), st.just(5))),
            "system",
        )
        for at in range(depth)
    ]
    now = data.draw(st.integers(0, 30))
    broken = depth > 8 or any(one.revoked_at is not None or now >= one.expires_at for one in grants)
    try:
        child = rules.authority(grants, chain, now)
    except Unauthenticated:
        assert broken
        return
    assert not broken and child is not None
    for at in range(1, depth):
        parent = rules.authority(grants[at:], chain[at:], now)
        assert parent is not None and child.tools <= parent.tools and child.expires_at <= parent.expires_at
    assert child.tools == frozenset.intersection(*(one.tools for one in grants))
    assert child.expires_at == min(one.expires_at for one in grants)


@given(st.permutations(NODES), st.integers(2, 8), st.data())
def test_a_chain_whose_links_join_others_is_refused(nodes: list[str], depth: int, data) -> None:
    chain = nodes[: depth + 1]
    tools = frozenset(ALL_TOOLS)
    grants: list[Delegation | None] = [
        Delegation(f"d{at}", chain[at + 1], chain[at], tools, 100, None, "system") for at in range(depth)
    ]
    assert rules.authority(grants, chain, 0) is not None
    wrong = data.draw(st.integers(0, depth - 1))
    grants[wrong] = data.draw(
        st.sampled_from([None, Delegation("dx", chain[wrong], chain[wrong + 1], tools, 100, None, "system")])
    )
    with pytest.raises(Unauthenticated):
        rules.authority(grants, chain, 0)


@given(st.dictionaries(st.sampled_from(NODES), st.sampled_from(NODES)), st.sets(st.sampled_from(NODES)))
def test_a_subtree_is_exactly_what_has_a_root_above_it(parents: dict[str, str], roots: set[str]) -> None:
    found = rules.subtree(parents, roots)
    assert found == {node for node in NODES if set(rules.lineage(parents, node)) & roots} | roots


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 8), data=st.data())
def test_ending_any_grant_ends_exactly_what_was_passed_on_through_it(world: World, length: int, data) -> None:
    identity = world.identity
    crowd = [agent_record(f"a{number}", "operations", "ben") for number in range(9)]
    world.project(agents=[*AGENTS, *crowd])
    for one in identity.delegations():
        identity.revoke_delegation(one.id, "system")
    tools = [data.draw(st.sets(st.sampled_from(ALL_TOOLS), min_size=1)) for _ in range(length)]
    grants = [delegate(world, f"a{number}", f"a{number + 1}", tools[number]) for number in range(length)]
    tokens = [world.token("a0")]
    for number in range(1, length + 1):
        tokens.append(exchanged(world, f"a{number}", tokens[-1]))
    for depth, token in enumerate(tokens[1:], 1):
        assert identity.authenticate(token).tools == frozenset.intersection(*map(frozenset, tools[:depth]))
    ended = data.draw(st.integers(0, length - 1))
    identity.revoke_delegation(grants[ended].id, "system")
    for depth, token in enumerate(tokens):
        if depth <= ended:
            assert identity.authenticate(token).name == f"a{depth}"
        else:
            assert world.refusal(token) == "delegation.ended"
    for number in range(9):
        identity.revoke(f"a{number}", "system")
