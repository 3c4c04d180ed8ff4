"""Before a decision: a question to somebody, its answer, a handing, and what was decided about similar actions."""

from __future__ import annotations

from tests.server.desk import Desk
from tests.server.test_approvals import ended, shown, vote


def test_a_question_and_its_answer_stand_with_the_approval_and_not_in_the_log(office: Desk) -> None:
    action = office.held()
    bea, olga, suzi = (office.person(name) for name in ("bea", "olga", "suzi"))
    asked = bea.post(f"/api/approvals/{action}/question", {"to": "olga", "text": "is acme in the contract?"})
    assert asked.status == 201 and (asked.json["by"], asked.json["to"]) == ("bea", "olga")
    (waiting,) = olga.get("/api/questions").json["items"]
    assert (waiting["text"], waiting["action"]) == ("is acme in the contract?", action)
    path = f"/api/questions/{waiting['id']}/answer"
    assert suzi.post(path, {"text": "yes"}).code == "approval.not_asked"
    assert olga.post(path, {"text": "  "}).code == "approval.reason"
    assert olga.post(path, {"text": "until June"}).status == 200
    assert olga.post(path, {"text": "until July"}).code == "approval.answered"
    assert olga.get("/api/questions").json["items"] == []
    (note,) = shown(bea, action)["notes"]
    assert (note["text"], note["answer"]) == ("is acme in the contract?", "until June")
    (unseen,) = shown(suzi, action)["notes"]
    assert (unseen["by"], unseen["to"], unseen["text"], unseen["answer"]) == ("bea", "olga", None, None)
    told = [one["event"] for one in shown(bea, action)["history"]]
    assert told == ["question", "answer"]
    log = office.person("aldo").get("/api/audit/leaves?limit=500").body
    assert b"until June" not in log and b"in the contract" not in log


def test_a_handed_decision_is_marked_and_stays_open_to_both(office: Desk) -> None:
    action = office.held("260.00")
    bea, bob = office.person("bea"), office.person("bob")
    path = f"/api/approvals/{action}/handing"
    assert bea.post(path, {"to": "carl", "text": ""}).code == "approval.hand_to"
    assert bea.post(path, {"to": "sam", "text": ""}).code == "approval.hand_to"  # its sponsor
    assert bea.post(path, {"to": "bea", "text": ""}).code == "approval.self"
    assert bea.post(path, {"to": "bob", "text": "you know them"}).status == 201
    (listed,) = [one for one in bob.get("/api/approvals?mine=true").json["items"] if one["action"] == action]
    assert (listed["handed_to"], listed["handed_by"], listed["yours"]) == ("bob", "bea", True)
    assert vote(bob, action).json["state"] == "ready"
    ended(office, action, "done")
    assert bea.post(path, {"to": "bob", "text": ""}).code == "approval.decided"


def test_who_could_decide_sees_who_else_could(office: Desk) -> None:
    action = office.held("265.00")
    bea = office.person("bea").get(f"/api/approvals/{action}/deciders").json["people"]
    assert {"bea", "bob"} <= set(bea) and not {"carl", "sam"} & set(bea)  # of another role, and the agent's sponsor
    assert office.person("carl").get(f"/api/approvals/{action}/deciders").json["people"] == []
    assert office.person("suzi").get(f"/api/approvals/{action}/deciders").status == 403
    assert office.person("bea").get("/api/approvals/act_0/deciders").status == 404


def test_only_who_could_decide_asks_and_only_readers_are_asked(office: Desk) -> None:
    action = office.held("270.00")
    path = f"/api/approvals/{action}/question"
    assert office.person("carl").post(path, {"to": "olga", "text": "why"}).code == "approval.role"
    assert office.person("bea").post(path, {"to": "nobody", "text": "why"}).code == "approval.ask_to"
    assert office.person("bea").post(path, {"to": "olga", "text": ""}).code == "approval.reason"
    unknown = "/api/approvals/act_nothing/question"
    assert office.person("bea").post(unknown, {"to": "olga", "text": "why"}).code == "approval.unknown"
    assert office.person("bea").post("/api/questions/note_0/answer", {"text": "x"}).code == "approval.no_question"


def test_what_was_before_is_shown_with_who_decided_how(office: Desk) -> None:
    bea = office.person("bea")
    first = office.held("310.00", "precedent ltd")
    assert vote(bea, first, "reject", reason="too dear").status == 200
    second = office.held("290.00", "precedent ltd")
    assert vote(bea, second, reason="fair").status == 200
    ended(office, second, "done")
    third = office.held("295.00", "precedent ltd")
    found = bea.get(f"/api/approvals/{third}/precedents").json
    assert [one["action"] for one in found["decisions"][:2]] == [second, first]
    (said,) = found["decisions"][1]["votes"]
    assert (said["person"], said["verdict"], said["reason"]) == ("bea", "reject", "too dear")
    assert found["decisions"][1]["state"] == "rejected"
    unseen = office.person("suzi").get(f"/api/approvals/{third}/precedents").json
    assert unseen["decisions"][1]["votes"][0]["reason"] is None
    assert bea.get("/api/approvals/act_nothing/precedents").code == "approval.unknown"
    assert found["uses"][0]["id"] == second and found["uses"][0]["state"] == "done"


def test_what_people_wrote_about_somebody_goes_with_the_erasure_and_who_said_it_stays(office: Desk) -> None:
    action, other = office.held("260.00", "zanzibar"), office.held("261.00", "acme")
    bea, olga, aldo = (office.person(name) for name in ("bea", "olga", "aldo"))
    for held in (action, other):
        note = bea.post(f"/api/approvals/{held}/question", {"to": "olga", "text": "is Smith the one?"}).json["id"]
        assert olga.post(f"/api/questions/{note}/answer", {"text": "Smith it is"}).status == 200
        assert vote(bea, held, "reject", reason="Smith is bankrupt").status == 200
    erased = office.person("ada").post("/api/audit/erase", {"subject": "zanzibar", "reason": "asked to"})
    assert erased.status == 200
    seen, kept = shown(aldo, action), shown(aldo, other)
    assert b"Smith" not in aldo.get(f"/api/approvals/{action}").body
    assert b"Smith" not in aldo.get(f"/api/actions/{action}").body
    assert [(one["event"], one["actor"]) for one in seen["history"]] == [
        (one["event"], one["actor"]) for one in kept["history"]
    ]
    assert (seen["notes"][0]["text"], seen["notes"][0]["answer"]) == ("", "")
    assert (kept["notes"][0]["text"], kept["notes"][0]["answer"]) == ("is Smith the one?", "Smith it is")
    assert kept["history"][-1]["reason"] == "Smith is bankrupt"


def test_nothing_is_written_about_what_was_erased(office: Desk) -> None:
    """Nothing would lead to it from the subject any more, so that no erasure could find it."""
    held, done = office.held("262.00", "yukon"), office.act("pay", payee="yukon", amount="9.00")["action"]
    bea, olga, suzi = (office.person(name) for name in ("bea", "olga", "suzi"))
    note = bea.post(f"/api/approvals/{held}/question", {"to": "olga", "text": "is it due?"}).json["id"]
    assert office.person("ada").post("/api/audit/erase", {"subject": "yukon", "reason": "asked to"}).status == 200
    assert bea.post(f"/api/approvals/{held}/question", {"to": "olga", "text": "Smith?"}).code == "approval.erased"
    assert olga.post(f"/api/questions/{note}/answer", {"text": "Smith"}).code == "approval.erased"
    assert vote(bea, held, "reject", reason="Smith is bankrupt").code == "approval.erased"
    assert vote(bea, held, "reject").status == 200
    said = {"verdict": "wrong", "reason": "Smith was paid twice"}
    assert suzi.post(f"/api/actions/{done}/label", said).code == "label.erased"
    assert suzi.post(f"/api/actions/{done}/label", {"verdict": "wrong"}).status == 200
