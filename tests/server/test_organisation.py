"""Declaring: plan, apply, conflicts, pull, look, go back."""

from __future__ import annotations

from tests.gate.works import POLICY
from tests.server.desk import Desk, files

STRICTER = POLICY.replace("context.cost >= 10000 ", "context.cost >= 5000 ")


def test_a_plan_shows_what_applying_does_and_changes_nothing(office: Desk) -> None:
    ada = office.person("ada")
    plan = ada.post("/api/plan", {"files": files(policy=STRICTER)}).json
    assert plan["summary"] == "0 added, 1 changed, 0 retired" and plan["empty"] is False
    assert plan["changed"][0]["name"] == "policy"
    assert ada.get("/api/changes").json["items"][0]["epoch"] == 1


def test_an_applied_change_is_in_force_on_the_next_action(office: Desk) -> None:
    ada = office.person("ada")
    assert office.act("pay", payee="acme", amount="60.00")["status"] == "done"
    done = ada.post("/api/apply", {"files": files(policy=STRICTER), "message": "boss from 50"}).json
    assert (done["change"]["epoch"], done["change"]["by"], done["change"]["message"]) == (
        2,
        "person:ada",
        "boss from 50",
    )
    assert office.act("pay", payee="acme", amount="61.00")["status"] == "held"
    back = ada.post("/api/changes/1/rollback", {"message": "too strict"})
    assert back.json["change"]["epoch"] == 3
    assert office.act("pay", payee="acme", amount="62.00")["status"] == "done"
    assert [one["epoch"] for one in ada.get("/api/changes").json["items"]] == [3, 2, 1]
    assert list(ada.get("/api/changes/2").json["detail"]["changed"]) == ["Policy/policy"]
    assert (ada.get("/api/changes/0").code, ada.get("/api/changes/4").code) == ("catalog.no_epoch", "catalog.no_epoch")
    first = ada.get("/api/changes?limit=2").json
    assert ada.get(f"/api/changes?limit=2&after={first['next']}").json["items"][0]["epoch"] == 1


def test_applying_the_same_again_is_no_change(office: Desk) -> None:
    done = office.person("ada").post("/api/apply", {"files": files()}).json
    assert done["change"] is None and done["plan"]["empty"] is True


def test_every_problem_names_its_file_and_line(office: Desk) -> None:
    broken = files(policy=POLICY.replace("context.cost", "context.costs", 1))
    answer = office.person("ada").post("/api/apply", {"files": broken})
    assert (answer.status, answer.code) == (400, "manifest.invalid")
    (problem,) = answer.json["error"]["detail"]["problems"]
    assert problem["file"] == "policy.cedar" and problem["line"] > 0
    assert office.person("ada").get("/api/changes").json["items"][0]["epoch"] == 1


def test_what_somebody_else_changed_is_a_conflict(office: Desk) -> None:
    ada = office.person("ada")
    base = {"Policy/policy": "0" * 64}
    answer = ada.post("/api/apply", {"files": files(policy=STRICTER), "base": base})
    assert (answer.status, answer.code) == (409, "catalog.conflict")


def test_what_is_pulled_can_be_applied_again(office: Desk) -> None:
    ada = office.person("ada")
    pulled = ada.get("/api/pull").json
    assert "policies/policy.cedar" in pulled["files"] and "agents/w1.yaml" in pulled["files"]
    assert ada.post("/api/plan", {"files": pulled["files"]}).json["empty"] is True


def test_objects_are_listed_and_described_with_their_revisions(office: Desk) -> None:
    ada = office.person("ada")
    ada.post("/api/apply", {"files": files(policy=STRICTER), "message": "stricter"})
    named = ada.get("/api/objects?kind=Agent").json["items"]
    assert [one["name"] for one in named] == ["child", "clerk", "w1", "w2"]
    found = ada.get("/api/objects/Policy/policy").json
    assert found["text"] == STRICTER and [one["since_epoch"] for one in found["revisions"]] == [2, 1]
    agent = ada.get("/api/objects/Agent/w1").json
    assert {"kind": "Role", "name": "worker"} in agent["uses"] and {"kind": "Agent", "name": "child"} in agent[
        "used_by"
    ]
    assert ada.get("/api/objects/Agent/w9").code == "catalog.not_found"
    assert ada.get("/api/objects?kind=Robot").code == "catalog.no_kind"


def test_a_supervisor_plans_but_does_not_apply(office: Desk) -> None:
    suzi = office.person("suzi")
    assert suzi.post("/api/plan", {"files": files(policy=STRICTER)}).status == 200
    assert suzi.post("/api/apply", {"files": files(policy=STRICTER)}).code == "permission.missing"


def test_people_are_read_by_those_alone_who_may_read_people(office: Desk) -> None:
    vera, suzi, aldo = office.person("vera"), office.person("suzi"), office.person("aldo")
    assert aldo.get("/api/objects/Person/bea").json["spec"]["email"] == "bea@acme.example"
    (only,) = aldo.get("/api/objects/Person/bea").json["revisions"]
    versions = f"before={only['digest']}&after={only['digest']}"
    for path in ("/api/objects/Person/bea", f"/api/objects/Person/bea/compare?{versions}", "/api/objects?kind=Person"):
        assert (vera.get(path).status, vera.get(path).code, aldo.get(path).status) == (403, "permission.missing", 200)
    assert "Person" not in {one["kind"] for one in vera.get("/api/objects?limit=500").json["items"]}
    assert "Person" in {one["kind"] for one in aldo.get("/api/objects?limit=500").json["items"]}
    pulled = suzi.get("/api/pull").json["files"]
    assert "@acme.example" not in str(pulled) and "agents/w1.yaml" in pulled and "Person/" not in str(pulled)
    changed = {path: text.replace("bea@acme.example", "bee@acme.example") for path, text in files().items()}
    (seen,) = suzi.post("/api/plan", {"files": changed}).json["changed"]
    assert (seen["kind"], seen["name"], seen["differences"]) == ("Person", "bea", [])


def test_a_folder_pulled_without_people_retires_none(office: Desk) -> None:
    suzi, ada = office.person("suzi"), office.person("ada")
    pulled = suzi.get("/api/pull").json["files"]
    assert suzi.post("/api/plan", {"files": pulled}).json["empty"] is True
    refused = ada.post("/api/apply", {"files": pulled, "retire": True})
    assert (refused.status, refused.code) == (409, "catalog.conflict")
