"""Work, Workforce, Budgets and Figures: what people go there for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from autonomy.tools import Invocation, Refused
from tests.gate.works import fail, say
from tests.server.desk import Desk, desk, eventually, files
from tests.workflow.office import workflow

from .visitor import NARROW, Visitor, visiting

STEPS = """
steps:
  press: { tool: press, arguments: { n: input.n } }
  look: { needs: [press], task: { role: boss, goal: "Look at it", by: person } }
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server whose organisation has a workflow."""
    declared = files(workflows=workflow("pressing", STEPS))
    with desk(tmp_path_factory.mktemp("shop"), organisation=declared) as found:
        yield found


@pytest.fixture(scope="module")
def stuck(shop: Desk) -> str:
    """A run whose first step was refused."""
    return begun(shop, 1)


def begun(shop: Desk, number: int) -> str:
    """A run whose first step is refused, once people are asked about it."""
    shop.plant.behaves["press"] = fail(Refused("the press is <b>jammed</b>"))
    run = str(shop.person("suzi").post("/api/runs", {"workflow": "pressing", "input": {"n": number}}).json["run"])
    bea = shop.person("bea")
    exceptions = "/api/runs/exceptions?mine=true"
    eventually(lambda: run in [one["run"] for one in bea.get(exceptions).json["items"]], "the question to people")
    return run


def step(page: Page, name: str) -> Any:
    return page.locator(f".react-flow__node[data-id='{name}']")


@pytest.mark.parametrize(
    ("scheme", "every"),
    [
        ("light", False),
        pytest.param("light", True, marks=pytest.mark.slow),
        pytest.param("dark", True, marks=pytest.mark.slow),
    ],
    ids=["light", "all-light", "all-dark"],
)
def test_no_page_of_one_thing_keeps_anybody_out(
    shop: Desk, browser: Browser, stuck: str, scheme: str, every: bool
) -> None:
    """In the short run a page of each thing is examined."""
    one_of_each = ["/work?view=runs", "/work/pressing", f"/work/runs/{stuck}", "/workforce?view=chart"]
    one_of_each += ["/workforce/w1?view=overview", "/budgets/works-month"]
    with visiting(browser, shop, "bea", scheme=scheme) as visitor:
        for path in pages(stuck) if every else one_of_each:
            visitor.go(path)
            assert not visitor.findings(), path


def test_no_page_of_one_thing_is_wider_than_a_telephone(shop: Desk, browser: Browser, stuck: str) -> None:
    with visiting(browser, shop, "bea", NARROW) as visitor:
        for path in pages(stuck):
            visitor.go(path)
            assert visitor.overhang() <= 0, path


def pages(run: str) -> list[str]:
    views = ["/work?view=runs", "/work?view=exceptions", "/work?view=tasks", "/work/pressing", f"/work/runs/{run}"]
    agent = [f"/workforce/w1?view={view}" for view in ("overview", "permissions", "work", "revisions")]
    return [
        *views,
        "/workforce?view=chart",
        "/workforce?view=units",
        *agent,
        "/budgets/works-month",
        "/figures?by=agent",
    ]


def test_a_stuck_run_is_seen_on_its_workflow_and_goes_on_as_is_chosen(shop: Desk, browser: Browser, stuck: str) -> None:
    with visiting(browser, shop, "bea") as visitor:
        page = visitor.go("/work")
        page.get_by_text("pressing", exact=True).click()
        expect(step(page, "press")).to_contain_text("1 run here")
        visitor.settle()
        page.get_by_role("row").filter(has_text="running").press("Enter")
        expect(page.get_by_role("heading", name="A run of pressing")).to_be_visible()
        assert page.url.endswith(f"/work/runs/{stuck}")
        expect(step(page, "press").locator("[data-tone=bad]")).to_be_visible()
        asked = page.get_by_role("region", name="This run is stuck")
        expect(asked).to_contain_text("the press is <b>jammed</b>")
        shop.plant.behaves["press"] = say({"ok": 1})
        asked.get_by_label("Try again").check()
        asked.get_by_role("button").last.click()
        expect(asked).to_be_hidden()
        expect(step(page, "press")).to_contain_text("2 tries")
        expect(step(page, "look")).to_contain_text("running")
        where = page.get_by_role("region", name="Where the time went")
        expect(where.get_by_role("row").filter(has_text="look")).to_be_visible()
        where.get_by_role("button", name="press").click()
        happened = page.get_by_role("region", name="What happened")
        expect(happened.get_by_role("listitem").filter(has_text="Exception")).to_have_count(1)
        expect(happened.get_by_role("listitem").filter(has_text="look")).to_have_count(0)
    steps = {one["path"]: one for one in shop.person("suzi").get(f"/api/runs/{stuck}").json["steps"]}
    assert (steps["press"]["state"], steps["press"]["attempt"]) == ("done", 2)


CHOICES = {
    "Try again": ('{"n": 42}', "running", ("done", 2)),
    "Take it over": ('{"ok": 7}', "running", ("done", 1)),
    "Skip the step": (None, "done", ("skipped", 1)),
    "Undo what was done": (None, "compensated", ("cancelled", 1)),
    "End the run": (None, "cancelled", ("blocked", 1)),
}
"""What can be chosen: what is said with it, and how the run and its first step stand afterwards."""


def test_what_is_chosen_on_the_page_of_an_exception_becomes_of_the_run(shop: Desk, browser: Browser) -> None:
    performed: list[dict[str, Any]] = []

    def pressed(arguments: Mapping[str, Any], _: Invocation) -> dict[str, int]:
        performed.append(dict(arguments))
        return {"ok": 1}

    with visiting(browser, shop, "bea") as visitor:
        for number, (choice, (said, status, step_)) in enumerate(CHOICES.items(), 10):
            run = begun(shop, number)
            page = visitor.go("/inbox")
            page.locator(f"a[href^='/inbox/exceptions/{run}/']").click()
            expect(page.get_by_role("heading", name="the press is <b>jammed</b>")).to_be_visible()
            shop.plant.behaves["press"] = pressed
            page.get_by_label(choice).check()
            if said is not None:
                page.get_by_label(re.compile("as JSON")).fill(said)
            page.get_by_label("Why (if you like)").fill(f"because of {number}")
            page.get_by_role("button", name="Do that").click()
            page.wait_for_url("**/inbox")
            assert until(shop, run, status) == step_, choice
    assert performed == [{"n": 42}], "once, with what was said"


def until(shop: Desk, run: str, status: str) -> tuple[str, int]:
    """The state and the tries of the first step, once the run stands as it should and the step has ended."""
    suzi = shop.person("suzi")

    def look() -> tuple[str, int] | None:
        found = suzi.get(f"/api/runs/{run}").json
        press = next(one for one in found["steps"] if one["path"] == "press")
        stands = found["status"] == status and press["state"] not in ("running", "waiting")
        return (press["state"], press["attempt"]) if stands else None

    return eventually(look, f"{run} as {status}")


def test_an_agent_is_stopped_and_let_go_on_from_its_page(shop: Desk, browser: Browser) -> None:
    with visiting(browser, shop, "suzi") as visitor:
        page = visitor.go("/workforce?unit=works")
        page.get_by_role("row").filter(has=page.get_by_text("w2", exact=True)).press("Enter")
        expect(page.get_by_role("heading", name=re.compile("^w2"))).to_be_visible()
        page.get_by_role("tab", name="What it may do").click()
        pay = page.get_by_role("button", name=re.compile("^pay"))
        expect(pay).to_contain_text("people may be asked")
        contain(visitor, "Contain", "it pays twice")
        expect(page.get_by_role("region", name="Contained")).to_contain_text("it pays twice")
        assert shop.system.identity.agent("w2").state == "contained"
        contain(visitor, "Let it work again", "mended")
        expect(page.get_by_role("button", name="Contain")).to_be_visible()
    assert shop.system.identity.agent("w2").state == "active"


def contain(visitor: Visitor, act: str, reason: str) -> None:
    visitor.page.get_by_role("button", name=act).click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=act)).to_be_disabled()
    dialog.get_by_label("Why").fill(reason)
    dialog.get_by_role("button", name=act).click()
    expect(dialog).to_be_hidden()


def test_figures_are_told_with_their_formulas_and_compared(shop: Desk, browser: Browser, stuck: str) -> None:
    with visiting(browser, shop, "bea") as visitor:
        page = visitor.go("/figures")
        page.get_by_role("button", name=re.compile("^Denials")).click()
        expect(page.get_by_role("region", name="Denials")).to_contain_text("actions that were refused")
        assert "figure=denials" in page.url, "what is looked at is in the address"
        page = visitor.go("/workforce?with=%5B%22w1%22%2C%22w2%22%5D")
        compared = page.get_by_role("region", name="Compared").first
        expect(compared.get_by_role("columnheader", name="w2")).to_be_visible()
        expect(compared.get_by_role("rowheader", name="Error rate")).to_be_visible()


def test_budgets_stand_under_what_binds_them(shop: Desk, browser: Browser) -> None:
    with visiting(browser, shop, "bea") as visitor:
        page = visitor.go("/budgets")
        names = [one["name"] for one in shop.person("bea").get("/api/budgets").json["items"]]
        for name in names:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        page.get_by_label("Find a budget").fill(names[0])
        page.get_by_role("link", name=names[0], exact=True).click()
        expect(page.get_by_role("heading", name=names[0])).to_be_visible()
        expect(page.get_by_role("region", name="Forecast")).to_be_visible()
