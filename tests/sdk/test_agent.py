"""An agent's client against a real server: acting, waiting, and tokens that renew themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autonomy.kernel.errors import Conflict, NotFound, Unauthenticated
from autonomy.sdk import AgentClient, Client
from tests.server.desk import Desk, desk

PASSWORD = "a long sentence nobody guesses"
PAY = {"payee": "acme", "amount": "250.00"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A small organisation, served."""
    with desk(tmp_path_factory.mktemp("sdk")) as found:
        yield found


@pytest.fixture(scope="module")
def key(server: Desk) -> str:
    """An API key of the agent `w1`."""
    return server.system.identity.issue_credential("w1", "api_key", "system").secret


def test_what_is_allowed_is_done(server: Desk, key: str) -> None:
    found = AgentClient(server.url, key=key).act("look", {"n": 1}, case="c-1", rationale="to see")
    assert (found.status, found.case, found.is_open) == ("done", "c-1", False)
    assert found.result is not None


def test_a_refusal_is_an_outcome_and_names_the_rule(server: Desk, key: str) -> None:
    client = AgentClient(server.url, key=key)
    found = client.act("look", {"n": "one"})
    assert (found.status, found.is_open) == ("denied", False)
    assert found.code is not None


def test_a_tool_that_is_not_there_is_an_error(server: Desk, key: str) -> None:
    with pytest.raises(NotFound) as refused:
        AgentClient(server.url, key=key).act("nothing", {})
    assert refused.value.code == "tool.unknown"


def test_the_tools_are_those_of_the_agent_with_their_arguments(server: Desk, key: str) -> None:
    found = {tool["name"]: tool for tool in AgentClient(server.url, key=key).tools()}
    assert found["look"]["input"]["required"] == ["n"]


def test_waiting_hears_what_people_decided(server: Desk, key: str) -> None:
    server.invited("bea", PASSWORD)
    bea = Client(server.url, str(Client(server.url).sign_in("bea", PASSWORD)["token"]))
    pauses: list[float] = []

    def approve_meanwhile(seconds: float) -> None:
        if not pauses:
            bea.decide(held.action, "approve", bea.approval(held.action)["shown"])
        pauses.append(seconds)

    client = AgentClient(server.url, key=key, pause=approve_meanwhile)
    held = client.act("pay", PAY, case="waiting")
    assert (held.status, held.is_open) == ("held", True)
    while client.wait(held.action, 30).is_open:
        pass
    assert client.result(held.action).status == "done"
    assert pauses == sorted(pauses), "each pause is as long as the one before, or longer"


def test_waiting_ends_when_its_time_is_over(server: Desk, key: str) -> None:
    clock = [0.0]

    def pass_time(seconds: float) -> None:
        clock[0] += seconds

    client = AgentClient(server.url, key=key, pause=pass_time, monotonic=lambda: clock[0])
    held = client.act("pay", PAY, case="too long")
    assert client.wait(held.action, 20).status == "held"
    assert clock[0] == 20


def test_a_dry_run_leaves_nothing_to_wait_for(server: Desk, key: str) -> None:
    found = AgentClient(server.url, key=key).act("pay", PAY, dry_run=True)
    assert (found.action, found.status, found.needed) == ("", "held", ("boss",))


def test_the_same_key_never_acts_twice(server: Desk, key: str) -> None:
    client = AgentClient(server.url, key=key)
    first = client.act("press", {"n": 7}, key="once")
    assert client.act("press", {"n": 7}, key="once").action == first.action
    with pytest.raises(Conflict) as refused:
        client.act("press", {"n": 8}, key="once")
    assert refused.value.code == "key.mismatch"


def test_another_agents_action_looks_like_none(server: Desk, key: str) -> None:
    action = AgentClient(server.url, key=key).act("look", {"n": 2}).action
    other = server.system.identity.issue_credential("w2", "api_key", "system").secret
    with pytest.raises(NotFound):
        AgentClient(server.url, key=other).result(action)


def test_a_token_is_renewed_before_it_ends(server: Desk) -> None:
    issued = server.system.identity.issue_credential("w1", "client_secret", "system")
    clock = [0.0]
    client = AgentClient(server.url, client_id=issued.id, client_secret=issued.secret, monotonic=lambda: clock[0])
    used = []
    for clock[0] in (0.0, 200.0, 280.0, 300.0):
        assert client.act("look", {"n": 3}).status == "done"
        used.append(client._bearer())
    assert used[0] == used[1]
    assert used[2] == used[3]
    assert used[1] != used[2], "its five minutes were nearly over"


def test_a_token_that_is_refused_is_renewed_once(server: Desk) -> None:
    issued = server.system.identity.issue_credential("w1", "client_secret", "system")
    client = AgentClient(server.url, client_id=issued.id, client_secret=issued.secret)
    client.act("look", {"n": 4})
    server.system.identity.rotate_signing_key("person:ada", compromised=True)
    assert client.act("look", {"n": 4}).status == "done"


def test_a_revoked_credential_is_refused_and_not_tried_again_and_again(server: Desk) -> None:
    issued = server.system.identity.issue_credential("w1", "client_secret", "system")
    client = AgentClient(server.url, client_id=issued.id, client_secret=issued.secret)
    client.act("look", {"n": 5})
    server.system.identity.revoke(issued.id, "person:ada", "over")
    with pytest.raises(Unauthenticated):
        client.act("look", {"n": 5})
    with pytest.raises(Unauthenticated):
        AgentClient(server.url, key="aok_nobody").act("look", {"n": 5})


def test_everything_the_server_offers_people_is_a_method_or_a_stream(server: Desk) -> None:
    """Each address of the API is used by a method of `Client`; those that only browsers use are named here."""
    browsers = {"/api/events", "/api/policies/test", "/api/keys/rotate", "/api/views", "/api/views/{page}/{name}"}
    document = server.stranger.get("/api/openapi.json").json
    sdk = Path(__file__).parents[2] / "autonomy" / "sdk"
    source = "".join(path.read_text(encoding="utf-8") for path in sdk.glob("*.py"))
    missing = [
        path
        for path in document["paths"]
        if path not in browsers and path.split("{")[0].rstrip("/") not in source and path.startswith("/api")
    ]
    assert missing == []
