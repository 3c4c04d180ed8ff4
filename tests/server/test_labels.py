"""Labels of results: who may give them, which one counts, and what they do to the accuracy of everybody concerned."""

from __future__ import annotations

from tests.server.desk import Desk
from tests.server.test_insight import figures


def test_the_latest_word_counts_and_all_are_kept(office: Desk) -> None:
    action = office.act("look", n=1)["action"]
    suzi, carl, vera = (office.person(name) for name in ("suzi", "carl", "vera"))
    said = suzi.post(f"/api/actions/{action}/label", {"verdict": "right"})
    assert (said.status, said.json["given"], said.json["agent"]) == (200, 1, "w1")
    assert figures(vera, "?by=agent")["w1"]["accuracy"] == 10_000
    wrong = {"verdict": "corrected", "correction": {"n": 2}, "reason": "Bob Miller counted two"}
    assert carl.post(f"/api/actions/{action}/label", wrong).json["verdict"] == "corrected"
    found = figures(vera, "?by=agent")["w1"]
    assert (found["accuracy"], found["labelled"]) == (0, 1)
    told = office.person("aldo").get(f"/api/actions/{action}/labels").json["labels"]
    assert [(one["by"], one["verdict"], one["stands"]) for one in told] == [
        ("person:suzi", "right", True),
        ("person:carl", "corrected", True),
    ]
    assert told[1]["correction"]["value"] == {"n": 2}
    assert told[1]["remark"]["value"] == "Bob Miller counted two"
    listed = vera.get("/api/labels?verdict=corrected&agent=w1").json["items"]
    assert [(one["subject"], one["given"]) for one in listed] == [(action, 2)]


def test_what_nobody_has_judged_waits_for_who_may(office: Desk) -> None:
    first, second = (office.act("look", n=number)["action"] for number in (1, 2))
    paid = office.act("pay", payee="acme", amount="12.00")["action"]
    refused = office.act("pay", payee="acme", amount="5000000.00")
    assert refused["status"] == "denied"
    suzi = office.person("suzi")
    found = suzi.get("/api/reviews").json
    assert [one["id"] for one in found["items"]] == [paid, first, second]  # what moved money first, then the oldest
    assert (found["population"], found["drawn"]) == (3, 3)
    assert suzi.get("/api/reviews?agent=w2").json["items"] == []
    assert {one["id"] for one in suzi.get("/api/reviews?agent=w1").json["items"]} == {paid, first, second}
    assert suzi.post(f"/api/actions/{first}/label", {"verdict": "wrong"}).status == 200
    assert [one["id"] for one in suzi.get("/api/reviews").json["items"]] == [paid, second]
    assert office.person("vera").get("/api/reviews").status == 403


def test_reviews_are_a_sample_that_anybody_draws_again(office: Desk) -> None:
    done = [office.act("look", n=number)["action"] for number in range(6)]
    suzi = office.person("suzi")
    found = suzi.get("/api/reviews?count=2&seed=monday").json
    assert (found["population"], found["drawn"], found["seed"]) == (6, 2, "monday")
    again = f"seed=monday&since={found['since']}&size={found['size']}"
    office.act("look", "w2", n=12)  # what comes later does not change what was drawn
    assert suzi.get(f"/api/reviews?count=2&{again}").json["items"] == found["items"]
    drawn = {one["id"] for one in found["items"]}
    same = office.person("aldo").get(f"/api/audit/sample?kind=outcome&count=2&{again}").json
    assert {one["leaf"]["action"] for one in same["items"]} == drawn
    others = suzi.get("/api/reviews?count=2&seed=tuesday").json["items"]
    assert drawn < set(done) and {one["id"] for one in others} != drawn
    for one in drawn:
        suzi.post(f"/api/actions/{one}/label", {"verdict": "right"})
    left = suzi.get(f"/api/reviews?count=2&{again}").json
    assert (left["items"], left["drawn"]) == ([], 2)


def test_what_was_said_is_part_of_the_explanation_and_free_text_is_not_in_the_log(office: Desk) -> None:
    action = office.act("look", n=1)["action"]
    said = {"verdict": "wrong", "reason": "Bob Miller counted two"}
    office.person("suzi").post(f"/api/actions/{action}/label", said)
    sentences = office.person("aldo").get(f"/api/actions/{action}/explain").json["sentences"]
    assert any("person:suzi found the result wrong" in line for line in sentences)
    assert any("Bob Miller" in line for line in sentences)
    hidden = office.person("vera").get(f"/api/actions/{action}").json
    assert "Bob Miller" not in str(hidden)


def test_a_label_that_makes_no_sense_is_refused(office: Desk) -> None:
    suzi = office.person("suzi")
    action, held = office.act("look", n=1)["action"], office.held()
    for subject, body, code in (
        (action, {"verdict": "corrected"}, "label.correction"),
        (action, {"verdict": "right", "correction": 1}, "label.correction"),
        (action, {"verdict": "corrected", "correction": "x" * 70_000}, "label.too_large"),
        (held, {"verdict": "right"}, "label.not_ended"),
        ("act_nobody", {"verdict": "right"}, "action.unknown"),
    ):
        assert suzi.post(f"/api/actions/{subject}/label", body).code == code
    assert suzi.post("/api/tasks/task_nobody/label", {"verdict": "right"}).code == "task.unknown"
    assert suzi.post("/api/runs/run_nobody/label", {"verdict": "right"}).code == "workflow.unknown_run"
    assert suzi.get(f"/api/actions/{action}/labels").json["labels"] == []


def test_a_task_is_judged_by_somebody_else(office: Desk) -> None:
    suzi = office.person("suzi")
    opened = suzi.post("/api/tasks", {"role": "boss", "by": "person", "goal": "look at the books", "unit": "works"})
    assert opened.status == 201, opened.json
    task = opened.json["task"]
    bea = office.person("bea")
    claim = bea.post(f"/api/tasks/{task}/take", {}).json["claim"]
    assert bea.post(f"/api/tasks/{task}/complete", {"claim": claim, "output": "done"}).status == 200
    assert bea.post(f"/api/tasks/{task}/label", {"verdict": "right"}).code == "label.own"
    assert suzi.post(f"/api/tasks/{task}/label", {"verdict": "right"}).json["kind"] == "task"
    found = figures(office.person("vera"), "?by=role")["boss"]
    assert (found["tasks_done"], found["accuracy"]) == (1, 10_000)
