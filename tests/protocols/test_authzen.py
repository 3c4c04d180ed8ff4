"""AuthZEN: other systems ask the same policies (Authorization API 1.0), and nothing of it leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.gate.works import POLICY
from tests.house import declare
from tests.server.desk import Answer, Client, Desk, desk, files


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("hall")) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(hall: Desk) -> Client:
    key = hall.system.identity.issue_service_key("gateway", "authzen", "person:ada")
    return Client(hall.pool, key.secret)


def paying(amount: str, agent: str = "w1", **more: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "agent", "id": agent},
        "action": {"name": "pay", "properties": {"payee": "acme"}},
        "resource": {"type": "tool", "id": "pay", "properties": {"amount": amount}},
    } | more


def ask(client: Client, body: Any, **headers: str) -> Answer:
    return client.send("POST", "/access/v1/evaluation", body, **headers)


def batch(client: Client, **body: Any) -> Answer:
    return client.send("POST", "/access/v1/evaluations", body)


def test_what_would_be_done_is_a_yes(gateway: Client) -> None:
    answer = ask(gateway, paying("20.00"), X_Request_ID="req-7")
    assert answer.status == 200 and answer.headers["X-Request-ID"] == "req-7"
    reason = "rule `workers-work` permits it"
    allowed = {"effect": "allow", "reason": reason, "policies": ["workers-work"]}
    assert answer.json == {"decision": True, "context": allowed}


def test_what_people_must_approve_is_a_no_that_says_who(gateway: Client) -> None:
    context = ask(gateway, paying("250.00")).json
    assert context["decision"] is False
    assert context["context"]["effect"] == "hold" and context["context"]["needed"] == ["boss"]
    assert context["context"]["policies"] == ["pay-boss"]
    assert context["context"]["reason"] == "payments from 100 EUR need the boss"


def test_what_the_rules_refuse_is_a_no_with_the_rule(gateway: Client) -> None:
    context = ask(gateway, paying("1000000.00")).json["context"]
    assert (context["effect"], context["code"]) == ("deny", "policy.denied")
    assert "pay-never" in context["policies"] and "a person" in context["needed"]


def test_a_record_is_the_resource_and_facts_are_looked_up(hall: Desk, gateway: Client) -> None:
    hall.plant.behaves["version_of"] = lambda _arguments, _invocation: 1

    def editing(version: int, **resource: Any) -> Answer:
        return ask(
            gateway,
            {
                "subject": {"type": "agent", "id": hall.system.identity.agent("w1").id},
                "action": {"name": "edit", "properties": {"version": version}},
                "resource": {"type": "doc", "id": "d1"} | resource,
            },
        )

    assert editing(1).json["decision"] is True
    assert editing(7).json["context"]["code"] == "record.stale"
    assert editing(1, properties={"doc": "d1"}).json["decision"] is True
    assert editing(1, properties={"doc": "d2"}).code == "record.kind"
    assert editing(1, type="invoice").code == "record.kind"


@pytest.mark.parametrize(
    ("agent", "tool", "code"),
    [
        ("nobody", "pay", "agent.unknown"),
        ("w1", "nothing", "tool.unknown"),
        ("w2", "pay", "agent.suspended"),
    ],
)
def test_who_may_not_act_at_all_gets_a_no(hall: Desk, gateway: Client, agent: str, tool: str, code: str) -> None:
    if agent == "w2" and hall.system.identity.agent("w2").state == "active":
        hall.system.identity.suspend("w2", "person:ada", "a rest")
    asked = paying("20.00", agent)
    asked["action"]["name"] = asked["resource"]["id"] = tool
    answer = ask(gateway, asked)
    assert answer.status == 200
    assert (answer.json["decision"], answer.json["context"]["code"]) == (False, code)


def test_a_changed_rule_answers_at_once(hall: Desk, gateway: Client) -> None:
    declare(hall.system, files(policy=POLICY.replace("context.cost >= 10000 }", "context.cost >= 1000 }")))
    assert ask(gateway, paying("20.00")).json["decision"] is False
    declare(hall.system, files())
    assert ask(gateway, paying("20.00")).json["decision"] is True


def test_obligations_are_told(hall: Desk, gateway: Client) -> None:
    obliged = POLICY.replace('@id("workers-work")', '@id("workers-work")\n@obligation_label("asked")')
    declare(hall.system, files(policy=obliged))
    assert ask(gateway, paying("20.00")).json["context"]["obligations"] == {"label": ["asked"]}
    declare(hall.system, files())


def test_nothing_is_reserved_counted_recorded_or_asked(hall: Desk, gateway: Client) -> None:
    ada = hall.person("ada")
    size = ada.get("/api/audit/checkpoint").json["size"]
    before = ada.get("/api/budgets").json
    calls = list(hall.plant.calls)
    for amount in ("20.00", "250.00", "1000000.00"):
        assert ask(gateway, paying(amount)).status == 200
    assert ada.get("/api/budgets").json == before
    assert hall.plant.calls == calls
    assert ada.get("/api/approvals").json["items"] == []
    after = ada.get("/api/audit/checkpoint").json["size"]
    kinds = {one["leaf"]["kind"] for one in ada.get(f"/api/audit/leaves?after={size - 1}").json["leaves"]}
    assert after - size <= 2 and kinds <= {"identity"}  # that ada signed in


def test_several_are_answered_in_order_with_defaults(gateway: Client) -> None:
    asked = paying("20.00")
    amounts = ["20.00", "250.00", "30.00"]
    listed = [{"resource": asked["resource"] | {"properties": {"amount": amount}}} for amount in amounts]
    answer = batch(gateway, subject=asked["subject"], action=asked["action"], evaluations=listed)
    assert [one["decision"] for one in answer.json["evaluations"]] == [True, False, True]


@pytest.mark.parametrize(
    ("semantic", "wanted"),
    [
        (None, [True, False, True, False]),
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_semantic_says_when_to_stop(gateway: Client, semantic: str | None, wanted: list[bool]) -> None:
    listed = [paying(amount) for amount in ("20.00", "250.00", "30.00", "400.00")]
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
    answer = batch(gateway, evaluations=listed, **options)
    assert [one["decision"] for one in answer.json["evaluations"]] == wanted


def test_one_that_cannot_be_read_is_a_no_of_its_own(gateway: Client) -> None:
    answer = batch(gateway, evaluations=[paying("20.00"), {"subject": {}}, 7, paying("30.00")])
    found = answer.json["evaluations"]
    assert [one["decision"] for one in found] == [True, False, False, True]
    assert found[1]["context"]["error"]["status"] == 400


@pytest.mark.parametrize("listed", [None, []])
def test_without_a_list_it_is_a_single_one(gateway: Client, listed: Any) -> None:
    assert batch(gateway, **paying("20.00"), **({} if listed is None else {"evaluations": listed})).json["decision"]


BAD: list[Any] = [
    b"{",
    b"[]",
    b"null",
    b'{"subject":{"type":"agent","id":"w1","id":"w2"}}',
    {},
    paying("20.00", subject={"type": "user", "id": "ada"}),
    paying("20.00", subject={"type": "agent"}),
    paying("20.00", subject={"type": "agent", "id": ""}),
    paying("20.00", subject={"type": "agent", "id": "x" * 500}),
    paying("20.00", subject={"type": "agent", "id": "a\nb"}),
    paying("20.00", subject=["agent"]),
    paying("20.00", action={"name": 7}),
    paying("20.00", action={"name": "pay", "properties": []}),
    paying("20.00", resource={"type": "tool", "id": "buy"}),
    paying("20.00", resource={"type": "tool"}),
    paying("20.00", context=7),
    paying("20.00", resource={"type": "tool", "id": "pay", "properties": {"payee": "another"}}),
]


@pytest.mark.parametrize("body", BAD)
def test_a_question_that_is_none_is_refused(gateway: Client, body: Any) -> None:
    assert ask(gateway, body).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"evaluations": 7},
        {"evaluations": [{}] * 101},
        {"evaluations": [{}], "options": {"evaluations_semantic": "first"}},
        {"evaluations": [{}], "options": 7},
    ],
)
def test_a_batch_that_is_none_is_refused(gateway: Client, body: dict[str, Any]) -> None:
    assert batch(gateway, **body).code == "authzen.request"


def test_only_a_key_for_it_asks(hall: Desk, gateway: Client) -> None:
    identity = hall.system.identity
    scim = identity.issue_service_key("directory", "scim", "person:ada", "c").secret
    for token in ("", "x", scim, hall.agent().token, hall.person("ada").token):
        answer = ask(Client(hall.pool, token), paying("20.00"))
        assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert ask(gateway, b"a=b", Content_Type="application/x-www-form-urlencoded").code == "body.type"


def test_the_metadata_leads_to_the_addresses(hall: Desk) -> None:
    found = hall.stranger.get("/.well-known/authzen-configuration").json
    assert found == {
        "policy_decision_point": hall.url,
        "access_evaluation_endpoint": f"{hall.url}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{hall.url}/access/v1/evaluations",
    }
