"""The inbox, by keyboard: deciding, asking, handing on, deciding together, and what must not be lost."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.server.desk import Desk

from .test_rooms import changed
from .visitor import visiting

MANY = 20
PASSWORD = "a long sentence nobody guesses"
FORBIDDEN = {"error": {"code": "permission.missing", "message": "it was taken away", "hint": None, "detail": None}}


def waiting(desk: Desk, name: str) -> list[str]:
    """The actions that wait for the person, as the API says it."""
    return [one["action"] for one in desk.person(name).get("/api/approvals?mine=true").json["items"]]


def listed(page: Page) -> int:
    return page.locator("ul[aria-label='What waits for you'] > li a").count()


def test_twenty_are_decided_by_keyboard_alone(hall: Desk, browser: Browser) -> None:
    actions = [hall.held(f"{200 + number}.00") for number in range(MANY)]
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go("/inbox")
        expect(page.get_by_label("All 20")).to_be_attached()
        page.keyboard.press("j")
        for number, action in enumerate(actions):
            page.locator(f"article[data-action={action}] [role=group]").wait_for()
            verdict = "acr"[number % 3]
            page.keyboard.press(verdict)
            page.locator("textarea:focus").wait_for()
            page.keyboard.type("smaller, please" if verdict == "c" else "")
            page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert waiting(hall, "bea") == []
    ends = [hall.system.approvals.get(action).votes[0].verdict for action in actions]
    assert [ends.count(verdict) for verdict in ("approve", "return", "reject")] == [7, 7, 6]


def test_what_happens_appears_by_itself_and_who_is_second_is_told(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "bea") as visitor, visiting(browser, hall, "bob") as other:
        page = visitor.go("/inbox")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        action = hall.held("401.00")
        page.locator(f"a[href='/inbox/{action}']").click()
        page.get_by_role("group", name="Your decision").wait_for()
        page.keyboard.press("a")
        second = other.go(f"/inbox/{action}")
        second.keyboard.press("r")
        second.locator("textarea:focus").wait_for()
        second.keyboard.press("Enter")
        expect(second.get_by_text("This is over")).to_be_hidden()
        expect(page.get_by_text("This is over: rejected.")).to_be_visible()
    assert hall.system.approvals.get(action).state == "rejected"


def test_an_ended_session_keeps_what_was_written(hall: Desk, browser: Browser) -> None:
    hall.invited("bea", PASSWORD)
    action = hall.held("402.00")
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/{action}")
        page.keyboard.press("r")
        page.locator("textarea:focus").wait_for()
        page.keyboard.type("they were late twice")
        visitor.context.clear_cookies()
        page.keyboard.press("Enter")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.locator("textarea").first).to_have_value("they were late twice")
        page.get_by_role("button", name=re.compile("^Reject")).click()
        expect(page.get_by_text("Rejected", exact=True).first).to_be_visible()
    (vote,) = hall.system.approvals.get(action).votes
    assert (vote.verdict, vote.reason) == ("reject", "they were late twice")


def test_equal_ones_are_decided_together_on_what_is_shown(hall: Desk, browser: Browser) -> None:
    actions = [hall.held(f"50{number}.00") for number in range(3)]
    with visiting(browser, hall, "bob") as visitor:
        page = visitor.go("/inbox")
        for action in actions:
            page.get_by_label(f"Select {action}").check()
        group = page.get_by_role("group", name="3 equal ones selected")
        expect(group.get_by_text('"amount":"502.00"')).to_be_visible()
        group.get_by_role("button", name="Approve 3").click()
        expect(page.get_by_text("3 approved")).to_be_visible()
    assert all(hall.system.approvals.get(action).votes[0].person == "bob" for action in actions)


def test_what_ends_first_is_there_however_much_waits(hall: Desk, browser: Browser) -> None:
    """The list comes in pages, here of two: none is left out, and what ends first is the first."""
    for amount in ("405.00", "406.00", "407.00"):
        hall.held(amount)
    with visiting(browser, hall, "bea") as visitor:
        address = re.compile(r"/api/approvals\?.*limit=200")
        visitor.page.route(address, lambda route: route.continue_(url=route.request.url.replace("=200", "=2")))
        page = visitor.go("/inbox")
        ends = hall.person("bea").get("/api/approvals?mine=true&order=ends&limit=500").json["items"]
        expect(page.locator("ul[aria-label='What waits for you'] > li a[href^='/inbox/act_']")).to_have_count(len(ends))
        assert len(ends) > 2
        first = page.locator("ul[aria-label='What waits for you'] > li a[href^='/inbox/act_']").first
        expect(first).to_have_attribute("href", f"/inbox/{ends[0]['action']}")


def test_what_is_of_high_risk_is_decided_by_itself(hall: Desk, browser: Browser) -> None:
    actions = [hall.held("408.00"), hall.held("409.00")]
    with visiting(browser, hall, "bob") as visitor:
        changed(visitor.page, "**/api/approvals?*", lambda body: body.replace('"risk":"low"', '"risk":"critical"'))
        page = visitor.go("/inbox")
        expect(page.locator(f"a[href='/inbox/{actions[0]}']")).to_be_visible()
        expect(page.get_by_role("checkbox")).to_have_count(0)
        page.locator(f"a[href='/inbox/{actions[0]}']").click()
        page.keyboard.press("x")
        expect(page.get_by_role("button", name=re.compile("^Approve [0-9]"))).to_have_count(0)


def test_who_hands_on_sees_who_could_decide(hall: Desk, browser: Browser) -> None:
    action = hall.held("410.00")
    assert hall.person("bea").get("/api/people").status == 403
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/{action}")
        page.get_by_role("group", name="Your decision").wait_for()
        page.keyboard.press("h")
        page.get_by_role("combobox", name="To whom").click()
        found = page.get_by_role("option")
        expect(found.first).to_be_visible()
        names = found.all_inner_texts()
    assert "bob" in names and not {"bea", "carl", "sam"} & set(names)  # the chief, and the agent's sponsor, could not


def test_results_are_judged_by_keyboard(hall: Desk, browser: Browser) -> None:
    first, second = (hall.act("look", n=number)["action"] for number in (11, 12))
    hall.taken_in()
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go("/inbox")
        page.get_by_text("Reviews", exact=True).click()
        expect(page.locator(f"a[href='/inbox/reviews/{second}']")).to_be_visible()
        page.keyboard.press("j")  # right after the click, by which the keys are at the choice
        page.locator("article[data-action]").get_by_role("button", name="Right").wait_for()
        for action, key, words in ((first, "a", ""), (second, "r", "it was eleven")):
            visitor.go(f"/inbox/reviews/{action}")
            page.locator(f"article[data-action={action}]").get_by_role("button", name="Right").wait_for()
            page.keyboard.press(key)
            page.locator("textarea:focus").wait_for()
            page.keyboard.type(words)
            page.keyboard.press("Enter")
            expect(page.locator(f"article[data-action={action}]")).to_be_hidden()
        assert not visitor.findings()
    given = {one["subject"]: one["verdict"] for one in hall.person("suzi").get("/api/labels").json["items"]}
    assert (given[first], given[second]) == ("right", "wrong")


def test_reviews_that_cannot_be_had_are_not_called_done(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        visitor.page.route("**/api/reviews*", lambda route: route.fulfill(status=403, json=FORBIDDEN))
        page = visitor.go("/inbox")
        page.get_by_text("Reviews", exact=True).click()
        expect(page.get_by_text("it was taken away")).to_be_visible()
        expect(page.get_by_text("Nothing of this draw is left")).to_have_count(0)


def test_somebody_is_asked_and_answers_and_it_is_handed_on(hall: Desk, browser: Browser) -> None:
    action = hall.held("403.00")
    with visiting(browser, hall, "bea") as visitor, visiting(browser, hall, "olga") as other:
        page = visitor.go(f"/inbox/{action}")
        page.keyboard.press("q")
        page.get_by_role("combobox", name="To whom").fill("olga")
        page.get_by_label("What do you want to know?").fill("is this in the contract?")
        page.get_by_role("button", name="Send the question").click()
        expect(page.get_by_text("bea asks olga")).to_be_visible()
        asked = other.go("/inbox")
        asked.get_by_text("is this in the contract?", exact=False).first.click()
        asked.get_by_label("Your answer").fill("until June")
        asked.get_by_role("button", name="Answer").click()
        expect(page.get_by_text("until June")).to_be_visible()
        page.keyboard.press("h")
        page.get_by_role("combobox", name="To whom").fill("bob")
        page.get_by_role("button", name="Hand over").click()
        expect(page.get_by_text("Handed over").first).to_be_visible()
    (one,) = [one for one in hall.person("bob").get("/api/approvals?mine=true").json["items"] if one["handed_to"]]
    assert (one["action"], one["handed_to"]) == (action, "bob")


def test_a_task_is_taken_and_its_result_brought(hall: Desk, browser: Browser) -> None:
    hall.person("ada").post("/api/tasks", {"role": "boss", "goal": "Say whether the lens may go", "by": "person"})
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go("/inbox")
        page.get_by_text("Task", exact=True).first.click()
        expect(page.get_by_role("heading", name="Say whether the lens may go")).to_be_visible()
        page.get_by_role("button", name="Take it").click()
        page.get_by_label("What you say").fill("not json")
        page.get_by_role("button", name="Bring the result").click()
        expect(page.get_by_text("This is no JSON.")).to_be_visible()
        page.get_by_label("What you say").fill('{"goes": true}')
        page.get_by_role("button", name="Bring the result").click()
        expect(page.get_by_text("The result is in")).to_be_visible()
    (task,) = hall.person("ada").get("/api/tasks?state=done").json["items"]
    assert hall.person("bea").get(f"/api/tasks/{task['task']}").json["output"] == {"goes": True}
