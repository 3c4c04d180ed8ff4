"""Actions, Audit, Incidents, Policies and the rooms beside them: each for what people come there for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.gate.works import never
from tests.server.desk import Client, Desk

from .test_pages import HOSTILE
from .visitor import NARROW, Visitor, visiting

ROOMS = [
    *("/actions", "/policies", "/policies/policy", "/tools", "/tools/press", "/memory", "/people", "/people/bea"),
    *("/audit", "/audit/sample?seed=a", "/audit/could", "/audit/log", "/audit/log?leaf=0", "/incidents"),
    *("/settings", "/settings/changes", "/settings/secrets", "/settings/keys", "/settings/hooks"),
    *("/settings/absences", "/settings/contained", "/settings/access", "/settings/objects/Unit/works"),
]


EXAMINED = [
    *("/actions", "/policies/policy", "/tools/press", "/memory", "/people/bea"),
    *("/audit/sample?seed=a", "/settings/secrets"),
]
"""A page of each room, which axe examines in the short run; in the whole one it examines them all."""


@pytest.fixture(scope="module")
def done(hall: Desk) -> str:
    """An action that was done, with hostile words as its reason."""
    asked = {"tool": "press", "arguments": {"n": 7}, "rationale": HOSTILE}
    reply = hall.agent().post("/v1/actions", asked).json
    assert reply["status"] == "done", reply
    return str(reply["action"])


def open_incident(hall: Desk, action: str) -> str:
    opened = hall.person("ada").post("/api/incidents", {"about": "action", "id": action, "title": HOSTILE[:150]})
    return str(opened.json["incident"]["id"])


def own_pages(hall: Desk, action: str) -> list[str]:
    case = hall.person("ada").get(f"/api/actions/{action}").json["explanation"]["what"]["case"]
    return [f"/actions/{action}", f"/actions/cases/{case}", f"/incidents/{open_incident(hall, action)}"]


@pytest.mark.parametrize(
    ("scheme", "paths"),
    [
        ("light", EXAMINED),
        pytest.param("light", ROOMS, marks=pytest.mark.slow),
        pytest.param("dark", ROOMS, marks=pytest.mark.slow),
    ],
    ids=["light", "all-light", "all-dark"],
)
def test_no_room_keeps_anybody_out(hall: Desk, browser: Browser, done: str, scheme: str, paths: list[str]) -> None:
    with visiting(browser, hall, "ada", scheme=scheme) as visitor:
        for path in (*paths, *own_pages(hall, done)):
            page = visitor.go(path)
            assert not visitor.findings(), path
            assert page.locator("main [role=alert]").count() == 0, path


def test_every_room_fits_a_telephone_and_nothing_in_it_fails(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "ada", NARROW) as visitor:
        for path in (*ROOMS, *own_pages(hall, done)):
            page = visitor.go(path)
            assert visitor.overhang() <= 0, path
            assert page.locator("main [role=alert]").count() == 0, path


def test_actions_are_found_by_what_they_cost(hall: Desk, browser: Browser, done: str) -> None:
    """Somebody types an amount of money; the API is asked in its minor units."""
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go("/actions?text=press")
        expect(page.get_by_role("row").filter(has_text="press")).not_to_have_count(0)
        page.get_by_role("button", name="More filters").click()
        with page.expect_request(re.compile(r"/api/actions\?.*cost_from=1250(&|$)")):
            page.get_by_role("spinbutton", name="Cost from").fill("12.5")
        expect(page.get_by_text("No action", exact=True)).to_be_visible()
        page.reload()
        visitor.settle()
        expect(page.get_by_role("spinbutton", name="Cost from")).to_have_value("12.5")
        assert visitor.findings() == []


def test_an_action_is_found_by_words_and_the_search_is_kept(hall: Desk, browser: Browser, done: str) -> None:
    hall.act("look", n=1)
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go("/actions")
        page.get_by_role("textbox", name="Words").fill("press")
        page.wait_for_url("**/actions?text=press")
        expect(page.get_by_role("row").filter(has_text="look")).to_have_count(0)
        page.get_by_role("button", name="Saved").click()
        page.get_by_label("Save this search").fill("presses")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("button", name="presses", exact=True)).to_be_visible()
        visitor.go("/actions")
        page.get_by_role("button", name="Saved").click()
        page.get_by_role("button", name="presses", exact=True).click()
        page.wait_for_url("**/actions?text=press")
        page.keyboard.press("Escape")
        row = page.get_by_role("row").filter(has_text="press").last
        row.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/actions/act_"))
        expect(page.get_by_text("asked to use `press`")).to_be_visible()


def test_a_rare_thing_is_looked_for_behind_empty_pages(hall: Desk, browser: Browser, done: str) -> None:
    """In a large log the server looks through a part at a time: a page of it may be empty though more follows."""
    found = hall.person("suzi").get("/api/actions?text=press").body.decode()
    nothing = {"items": [], "behind": 0}
    last = "3"

    def answer(route: Route) -> None:
        after = re.search(r"after=(\d+)", route.request.url)
        page = int(after[1]) + 1 if after else 1
        empty = json.dumps(nothing | {"next": str(page)})
        route.fulfill(body=found if str(page) == last else empty, content_type="application/json")

    with visiting(browser, hall, "suzi") as visitor:
        visitor.page.route("**/api/actions?*", answer)
        page = visitor.go("/actions?text=press")
        expect(page.get_by_role("row").filter(has_text="press")).not_to_have_count(0)
        last = "none of them"
        visitor.page.add_init_script("const now = performance.now; performance.now = () => now.call(performance) * 1e4")
        page = visitor.go("/actions?text=press")
        expect(page.get_by_text("Nothing found so far; there is more to look through.")).to_be_visible()
        last = "2"
        page.get_by_role("button", name="Look further").click()
        expect(page.get_by_role("row").filter(has_text="press")).not_to_have_count(0)


def test_a_day_is_the_same_wherever_its_address_is_read(hall: Desk, browser: Browser, done: str) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo")
    visitor = Visitor(context, hall)
    visitor.sign_in("suzi")
    with visitor.page.expect_request(re.compile(r"/api/actions\?.*since=1795305600000&until=1795392000000")):
        page = visitor.go("/actions?since=2026-11-22&until=2026-11-22")
    expect(page.get_by_label("From this day (UTC)")).to_have_value("2026-11-22")
    context.close()


def test_an_action_is_judged(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/actions/{done}")
        judged = page.get_by_role("region", name="Was it right?")
        judged.get_by_role("button", name="Corrected").click()
        judged.get_by_label("What it should have been").fill('{"n": 8}')
        judged.get_by_role("textbox", name="What makes you say so").fill("it was eight")
        judged.get_by_role("button", name="Say so").click()
        expect(judged.get_by_text("counts", exact=True)).to_be_visible()
    (label,) = hall.person("suzi").get(f"/api/actions/{done}/labels").json["labels"]
    assert (label["verdict"], label["by"]) == ("corrected", "person:suzi")


def test_a_result_that_nobody_knows_yet_is_not_judged(hall: Desk, browser: Browser) -> None:
    hall.plant.behaves["hasty"] = never
    action = hall.act("hasty", n=1)["action"]
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/actions/{action}")
        judged = page.get_by_role("region", name="Was it right?")
        expect(judged.get_by_text("What has not ended")).to_be_visible()
        expect(judged.get_by_role("button")).to_have_count(0)


def test_today_leads_to_what_is_under_way(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go("/?audience=supervisor")
        with page.expect_request(re.compile(r"/api/actions\?.*state=running")):
            page.locator("a[href='/actions?state=running']").click()


def test_what_a_closed_incident_left_contained_is_let_work_again(hall: Desk, browser: Browser) -> None:
    suzi = hall.person("suzi")
    incident = suzi.post("/api/incidents", {"about": "agent", "id": "w2"}).json["incident"]["id"]
    assert suzi.post(f"/api/incidents/{incident}/contain", {"reason": "odd"}).status == 200
    closed = {"cause": "agent", "text": "stays off", "leave_contained": True}
    assert suzi.post(f"/api/incidents/{incident}/close", closed).status == 200
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/incidents/{incident}")
        again = page.get_by_role("form", name="Let it work again")
        again.get_by_role("textbox").fill("mended")
        again.get_by_role("button").click()
        expect(again).to_be_hidden()
    assert suzi.get("/api/containments").json["items"] == []


def changed(page: Page, path: str, change: Any) -> None:
    """Let what the server answers at `path` be changed on its way, as somebody who holds the server would."""

    def forge(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=change(found.text()))

    page.route(path, forge)


def unchanged(page: Page) -> None:
    """Let answers come as they are again. One that is on its way may have gone on already."""
    page.unroute_all(behavior="ignoreErrors")


def test_an_action_is_proved_in_the_browser_and_a_forgery_is_found(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        page = visitor.go(f"/actions/{done}")
        page.get_by_role("button", name="Verify in this browser").click()
        expect(page.get_by_text(re.compile(r"leaves are in the log of [\d,]+ leaves, as signed"))).to_be_visible()
        for text, forged in (('\\"tool\\":\\"press\\"', '\\"tool\\":\\"look!\\"'), ('"note":"', '"note":"x')):
            changed(page, f"**/api/actions/{done}/proofs", lambda body, a=text, b=forged: body.replace(a, b))
            visitor.go(f"/actions/{done}")
            page.get_by_role("button", name="Verify in this browser").click()
            expect(page.get_by_role("region", name="Proof").get_by_role("alert")).to_contain_text("does not hold")
            unchanged(page)


def test_a_browser_without_ed25519_says_so(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        visitor.page.add_init_script(
            "SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))"
        )
        page = visitor.go(f"/actions/{done}")
        page.get_by_role("button", name="Verify in this browser").click()
        expect(page.get_by_text("This browser has no Ed25519")).to_be_visible()


def test_the_whole_log_is_verified_in_the_browser_and_a_changed_leaf_found(
    hall: Desk, browser: Browser, done: str
) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        page = visitor.go("/audit")
        page.get_by_role("button", name="Verify the whole log").click()
        expect(page.get_by_text(re.compile(r"^All [\d,]+ leaves are as they were signed"))).to_be_visible()
        changed(page, "**/api/audit/export*", lambda text: text.replace('"tool":"press"', '"tool":"look"', 1))
        page.get_by_role("button", name="Verify the whole log").click()
        expect(page.get_by_text("are not those that were signed")).to_be_visible()


def test_a_sample_is_drawn_again_by_its_address_and_each_leaf_verified(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        for number in range(3):
            hall.act("look", n=number)
        page = visitor.go("/audit/sample")
        page.get_by_label("How many").fill("3")
        page.get_by_role("button", name="Draw").click()
        page.wait_for_url(re.compile(r"size="))
        visitor.settle()
        drawn = page.locator("tbody td:first-child").all_inner_texts()
        assert len(drawn) == 3
        hall.act("look", n=2)
        visitor.go(page.url.removeprefix(hall.url))
        assert page.locator("tbody td:first-child").all_inner_texts() == drawn
        page.get_by_role("button", name="Verify each").click()
        expect(page.get_by_text("All 3 leaves are in the log")).to_be_visible()


def test_it_is_found_out_who_could_have_done_it(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        page = visitor.go(f"/audit/could?action={done}")
        page.get_by_role("button", name="Find out").click()
        expect(page.get_by_role("status").get_by_role("row").filter(has_text="w1").first).to_contain_text("at once")


def test_an_incident_is_opened_contained_followed_up_and_closed(hall: Desk, browser: Browser, done: str) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/actions/{done}")
        page.get_by_role("button", name="Open an incident").click()
        page.get_by_label("What is wrong").fill("It presses too often")
        page.get_by_role("button", name="Open it").click()
        page.wait_for_url(re.compile(r"/incidents/inc_"))
        visitor.settle()
        page.get_by_role("button", name="Stop it now").click()
        expect(page.get_by_text(re.compile(r"All \d+ parts confirmed"))).to_be_visible()
        assert "error" in hall.act("press", n=9)
        page.get_by_role("button", name="I look after it").click()
        page.get_by_label("What is to be done").fill("Mend the prompt")
        page.get_by_role("button", name="Add").click()
        page.get_by_role("checkbox", name="Mend the prompt").click()
        page.get_by_label("Why it may").fill("mended")
        page.get_by_role("button", name="Let it work").click()
        expect(page.get_by_text(re.compile(r"All \d+ parts confirmed"))).to_be_hidden()
        page.get_by_label("Cause").select_option("agent")
        page.get_by_label("What it was, and what was done").fill("a loop")
        page.get_by_role("button", name="Close it").click()
        expect(page.get_by_role("button", name="Close it")).to_be_hidden()
        told = hall.person("suzi").get(f"/api/incidents/{page.url.rsplit('/', 1)[1]}").json
    incident = told["incident"]
    assert (incident["state"], incident["cause"], incident["owner"]) == ("closed", "agent", "suzi")
    assert told["follow_ups"][0]["done_by"] == "person:suzi"
    assert hall.act("press", n=10)["status"] == "done"


@pytest.mark.parametrize("path", ["/workforce/w1", "/audit"])
def test_an_incident_is_opened_from_any_page(hall: Desk, browser: Browser, path: str) -> None:
    with visiting(browser, hall, "ada") as visitor:
        page = visitor.go(path)
        page.keyboard.press("Control+k")
        page.keyboard.type("open an inc")
        page.locator(".mantine-Spotlight-action", has_text="Open an incident").click()
        dialog = page.get_by_role("dialog")
        if path == "/audit":
            dialog.get_by_label("It is about").select_option("agent")
            dialog.get_by_label("Its id or name").fill("w1")
        dialog.get_by_label("What is wrong").fill("it presses at night")
        dialog.get_by_role("button", name="Open it").click()
        page.wait_for_url(re.compile(r"/incidents/inc_"))
        told = hall.person("ada").get(f"/api/incidents/{page.url.rsplit('/', 1)[1]}").json["incident"]
    assert (told["title"], told["place"]["agent_name"]) == ("it presses at night", "w1")


def put_secret(visitor: Visitor, act: str, value: str, name: str | None = None) -> None:
    page = visitor.page
    page.get_by_role("button", name=act, exact=True).click()
    dialog = page.get_by_role("dialog")
    if name is not None:
        dialog.get_by_label("Its name").fill(name)
    dialog.get_by_label("Its value").fill(value)
    dialog.get_by_role("button", name=act.split()[0]).last.click()
    expect(dialog).to_be_hidden()


def test_a_secret_is_stored_and_replaced_and_nobody_sees_it_again(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "ada") as visitor:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        page = visitor.go("/settings/secrets")
        put_secret(visitor, "Store a secret", "oyster-and-anchor", "erp/token")
        expect(page.get_by_text("erp/token is stored as version 1")).to_be_visible()
        put_secret(visitor, "Replace erp/token", "lantern-and-rope")
        expect(page.get_by_text("erp/token is stored as version 2")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="erp/token").filter(has_text="replaced")).to_have_count(1)
        kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert not [word for word in ("oyster", "lantern") if word in "".join((page.content(), kept, *asked))]
    assert hall.system.secrets.reveal("erp/token").reveal() == "lantern-and-rope"


def test_a_key_is_issued_shown_once_and_revoked(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "ada") as visitor:
        page = visitor.go("/settings/keys")
        page.get_by_role("button", name="Issue a key", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("What to call it").fill("gateway")
        dialog.get_by_label("How long it is good").select_option("30")
        dialog.get_by_role("button", name="Issue it").click()
        key = dialog.locator("code").inner_text()
        subject, resource = {"type": "agent", "id": "w1"}, {"type": "x", "id": ""}
        asked = {"subject": subject, "action": {"name": "look"}, "resource": resource}
        caller = Client(hall.pool, key)
        assert caller.post("/access/v1/evaluation", asked).status != 401
        dialog.get_by_role("button", name="I have kept it").click()
        expect(page.get_by_role("row").filter(has_text="gateway")).to_be_visible()
        assert key not in page.content()
        row = page.get_by_role("row").filter(has_text="gateway")
        row.get_by_role("button", name="Revoke").click()
        row.get_by_role("button", name="Revoke for good?").click()
        expect(row).to_contain_text("revoked")
        assert caller.post("/access/v1/evaluation", asked).status == 401


def edit(visitor: Visitor, text: str, becomes: str) -> None:
    page = visitor.go("/policies/policy")
    page.get_by_role("button", name="Change it").click()
    written = page.get_by_role("textbox", name="Policy policy, as a file")
    written.fill(written.input_value().replace(text, becomes, 1))


def test_a_rule_is_changed_through_a_change_and_nobody_is_overwritten(hall: Desk, browser: Browser) -> None:
    text = hall.person("ada").get("/api/objects/Policy/policy").json["text"]
    reason = re.search(r'@reason\("([^"]+)"\)', text)
    assert reason is not None
    with visiting(browser, hall, "ada") as visitor, visiting(browser, hall, "ada") as other:
        edit(other, reason[1], "second thoughts")
        edit(visitor, reason[1], "a better reason")
        page = visitor.page
        page.get_by_role("button", name="What would change?").click()
        expect(page.get_by_role("status").filter(has_text="1 changed")).to_be_visible()
        page.get_by_label("Why (stands in").fill("clearer")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("region", name="Its rules").get_by_text("a better reason").first).to_be_visible()
        other.page.get_by_role("button", name="What would change?").click()
        expect(other.page.get_by_text("changed by somebody else meanwhile")).to_be_visible()
    newest = hall.person("ada").get("/api/changes?limit=1").json["items"][0]
    assert (newest["by"], newest["message"]) == ("person:ada", "clearer")


def test_the_rules_are_asked_without_doing_anything(hall: Desk, browser: Browser) -> None:
    before = hall.person("ada").get("/api/audit/checkpoint").json["size"]
    with visiting(browser, hall, "ada") as visitor:
        page = visitor.go("/policies/policy")
        asked = page.get_by_role("form", name="Try it")
        asked.get_by_label("Agent").fill("w1")
        asked.get_by_label("Tool").fill("pay")
        asked.get_by_label("Arguments").fill(json.dumps({"payee": "acme", "amount": "5.00"}))
        asked.get_by_role("button", name="Ask the rules").click()
        expect(asked.get_by_role("status")).to_contain_text("It would")
    assert hall.person("ada").get("/api/actions?tool=pay&limit=1").json["items"] == []
    assert before <= hall.person("ada").get("/api/audit/checkpoint").json["size"]


def test_people_tools_and_what_is_declared_are_found(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "ada") as visitor:
        for path, label, words, found in (
            ("/people", "Name or address", "suz", "Suzi"),
            ("/tools", "Name or description", "shou", "shout"),
            ("/policies", "Words of a rule", "pay-never", "pay-never"),
            ("/settings", "Name", "buying", "buying-month"),
        ):
            page = visitor.go(path)
            page.get_by_role("textbox", name=label, exact=True).fill(words)
            page.wait_for_url(f"**{path}?like={words}")
            expect(page.locator("tbody tr")).to_have_count(1)
            expect(page.locator("tbody tr")).to_contain_text(found)
