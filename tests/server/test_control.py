"""Agents, credentials, delegations, containment, budgets, policies, tools, secrets: one story each."""

from __future__ import annotations

from tests.server.desk import Client, Desk


def test_an_agent_is_stopped_and_let_go_on(office: Desk) -> None:
    suzi = office.person("suzi")
    assert suzi.post("/api/agents/w1/suspend", {"reason": "too eager"}).json["state"] == "suspended"
    assert office.agent().post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401
    assert suzi.post("/api/agents/w1/reinstate", {"reason": "it has calmed down"}).json["state"] == "active"
    assert office.act("look", n=1)["status"] == "done"
    assert suzi.post("/api/agents/w1/reinstate", {"reason": "again"}).code == "agent.move"
    assert suzi.post("/api/agents/w1/promote").code == "agent.move"


def test_a_retired_agent_takes_its_children_along(office: Desk) -> None:
    ada = office.person("ada")
    assert len(ada.post("/api/agents/w1/retire", {"reason": "done"}).json["retired"]) == 2
    states = {one["name"]: one["state"] for one in ada.get("/api/agents").json["items"]}
    assert states == {"w1": "retired", "child": "retired", "w2": "active", "clerk": "active"}
    assert [one["name"] for one in ada.get("/api/agents?state=active&unit=office").json["items"]] == ["clerk"]


def test_a_secret_of_a_credential_is_shown_once(office: Desk) -> None:
    ada = office.person("ada")
    made = ada.post("/api/agents/w1/credentials", {"kind": "api_key"})
    assert made.status == 201
    agent = Client(office.pool, made.json["secret"])
    assert agent.post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 200
    listed = ada.get("/api/agents/w1/credentials")
    assert made.json["secret"].encode() not in listed.body
    assert made.json["id"] in {one["id"] for one in listed.json["items"]}
    assert ada.post(f"/api/credentials/{made.json['id']}/revoke").json == {"revoked": 1}
    assert agent.post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401


def test_revoking_a_credential_never_takes_an_agents_name_for_one(office: Desk) -> None:
    ada = office.person("ada")
    assert ada.post("/api/credentials/w1/revoke").code == "credential.unknown"
    assert office.act("look", n=1)["status"] == "done"
    assert ada.post("/api/agents/w1/revoke", {"reason": "leaked"}).json == {"revoked": 1}


def test_a_delegation_is_granted_listed_and_ended(office: Desk) -> None:
    ada = office.person("ada")
    grant = {"from_agent": "w1", "to_agent": "clerk", "tools": ["look"], "ttl": 60_000}
    made = ada.post("/api/delegations", grant).json
    assert made["tools"] == ["look"] and made["granted_by"] == "person:ada"
    assert [one["id"] for one in ada.get("/api/delegations?agent=clerk").json["items"]] == [made["id"]]
    assert ada.post(f"/api/delegations/{made['id']}/revoke").status == 204
    assert ada.get("/api/delegations").json["items"][0]["revoked_at"] is not None


def test_a_containment_stops_a_unit_and_is_lifted_with_a_reason(office: Desk) -> None:
    suzi = office.person("suzi")
    office.act("look", n=1)
    stop = suzi.post("/api/contain", {"scope": "unit", "target": "works", "reason": "smoke"}).json
    assert (stop["in_flight"], stop["confirmed"]) == ([], [])
    assert office.agent().post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401
    named = stop["containment"]["id"]
    (listed,) = suzi.get("/api/containments").json["items"]
    assert (listed["id"], listed["agent_name"]) == (named, None)
    assert suzi.post("/api/reinstate", {"what": named, "reason": "false alarm"}).status == 204
    assert suzi.get("/api/containments").json["items"] == []
    (ended,) = suzi.get("/api/containments?ended=true").json["items"]
    assert (ended["lifted_by"], ended["lift_reason"]) == ("person:suzi", "false alarm")
    assert office.act("look", n=2)["status"] == "done"
    suzi.post("/api/contain", {"scope": "agent", "target": "w1", "reason": "smoke again"})
    assert suzi.get("/api/containments").json["items"][0]["agent_name"] == "w1"


def test_what_is_spent_stands_beside_its_limit(office: Desk) -> None:
    office.act("buy", amount="120.00")
    found = {one["name"]: one for one in office.person("vera").get("/api/budgets").json["items"]}
    month = found["buying-month"]
    assert (month["settled"], month["reserved"], month["left"], month["currency"]) == (12_000, 0, 38_000, "EUR")
    assert month["summary"] == "120.00 EUR of 500.00 EUR"
    assert [one["name"] for one in office.person("vera").get("/api/budgets?target=works").json["items"]] == [
        "works-month"
    ]


def test_policies_are_shown_asked_and_tested(office: Desk) -> None:
    bea = office.person("bea")
    rules = {one["id"]: one for one in bea.get("/api/policies").json["items"]}
    assert rules["pay-never"]["effect"] == "forbid" and "no agent pays a million" in rules["pay-never"]["text"]
    question = {"agent": "w1", "tool": "pay", "arguments": {"payee": "acme", "amount": "200.00"}, "cost": 20_000}
    why = bea.post("/api/policies/why", question).json
    assert why["verdict"]["effect"] == "hold" and why["verdict"]["roles"] == ["boss"]
    decided = [one for one in why["rules"] if one["decided"]]
    assert [one["rule"] for one in decided] == ["pay-boss"] and decided[0]["clauses"]
    case = {"name": "large", "agent": "w1", "tool": "pay", "arguments": question["arguments"], "cost": 20_000}
    tested = bea.post("/api/policies/test", {"cases": [{**case, "expect": "hold"}, {**case, "expect": "allow"}]}).json
    assert (tested["passed"], tested["failed"]) == (1, 1)
    assert tested["cases"][1]["differences"][0].startswith("expected allow, got hold")
    assert bea.post("/api/policies/why", {"agent": "w9", "tool": "pay"}).json["verdict"]["effect"] == "deny"


def test_tools_are_described_and_a_changed_definition_is_accepted(office: Desk) -> None:
    ada = office.person("ada")
    listed = {one["name"]: one for one in ada.get("/api/tools").json["items"]}
    assert listed["pay"]["effect"] == "write-keyed" and not any(one["quarantined"] for one in listed.values())
    found = ada.get("/api/tools/pay").json
    assert found["spec"]["input"]["properties"]["payee"] == {"type": "string"}
    assert ada.get("/api/tools/nothing").code == "tool.unknown"
    assert ada.post("/api/tools/pay/accept").json == {"accepted": []}


def test_a_secret_is_stored_and_never_shown(office: Desk) -> None:
    ada, canary = office.person("ada"), f"canary-{4711}-secret"
    assert ada.send("PUT", "/api/secrets/erp", {"value": canary}).json == {"name": "erp", "version": 1}
    assert ada.post("/api/secrets/erp/rotate", {"value": f"{canary}-2"}).json == {"name": "erp", "version": 2}
    listed = ada.get("/api/secrets")
    assert [one["version"] for one in listed.json["items"]] == [1, 2] and canary.encode() not in listed.body
    assert ada.post("/api/secrets/other/rotate", {"value": canary}).code == "secret.unknown"
    assert ada.send("PUT", "/api/secrets/erp/w1", {"value": canary}).json == {"name": "erp/w1", "version": 1}
    assert ada.post("/api/secrets/erp/w1/rotate", {"value": canary}).json == {"name": "erp/w1", "version": 2}
    audited = ada.get("/api/secret-audit")
    assert [(one["secret"], one["agent"]) for one in audited.json["items"]] == [("erp", None), ("erp/w1", None)]
    assert canary.encode() not in audited.body
    exported = office.person("aldo").get("/api/audit/export")
    assert canary.encode() not in exported.body


def test_rules_and_tools_are_found_by_words(office: Desk) -> None:
    vera = office.person("vera")
    found = vera.get("/api/policies?policy=policy&like=a%20million").json["items"]
    assert [one["id"] for one in found] == ["pay-never"]
    assert vera.get("/api/policies?policy=another").json["items"] == []
    assert [one["name"] for one in vera.get("/api/tools?like=SHOU").json["items"]] == ["shout"]


def test_people_are_listed_and_their_access_is_reviewed(office: Desk) -> None:
    ada = office.person("ada")
    bosses = ada.get("/api/people?role=boss").json["items"]
    assert [one["name"] for one in bosses] == ["bea", "bob", "olga", "sam"]
    assert [one["name"] for one in ada.get("/api/people?like=SUZI@acme").json["items"]] == ["suzi"]
    assert ada.get("/api/people/suzi").json["display_name"] == "Suzi"
    assert ada.get("/api/people/nobody").code == "person.unknown"
    review = office.person("aldo").get("/api/access-review").json["items"]
    assert [one["name"] for one in review if one["kind"] == "agent"] == ["child", "clerk", "w1", "w2"]
    people = office.person("aldo").get("/api/access-review?kind=person&limit=500").json["items"]
    assert {one["name"] for one in people} >= {"ada", "vera"}


def test_the_signing_key_is_replaced(office: Desk) -> None:
    ada = office.person("ada")
    first = ada.post("/api/keys/rotate", {"compromised": True}).json["kid"]
    assert ada.post("/api/keys/rotate").json["kid"] != first


def test_a_budget_is_shown_with_its_place_its_warning_and_its_forecast(office: Desk) -> None:
    for number in range(3):
        assert office.act("buy", amount="150.00")["status"] == "done", number
    vera = office.person("vera")
    found = {one["name"]: one for one in vera.get("/api/budgets").json["items"]}
    assert found["buying-month"]["percent"] == 90 and found["buying-month"]["warn"] is None
    one = vera.get("/api/budgets/buying-month").json
    assert (one["summary"], one["left"], one["above"], one["below"]) == ("450.00 EUR of 500.00 EUR", 5_000, [], [])
    assert one["forecast"]["ends"] > one["since"] and one["crossings"] == []
    assert {"per_hour", "at_end", "reached_at", "summary"} < set(one["forecast"])
    assert vera.get("/api/budgets/nothing").code == "budget.unknown"
