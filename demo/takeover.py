"""S1 as one run of a workflow: the process that carries it out is killed, and another one takes it up."""

from __future__ import annotations

import time
from typing import Any

from autonomy.sdk import Client

from .approving import Approving
from .company import SUPERVISOR, Company, second_server
from .processes import Failed

WORKFLOW = "reorder"

TAKEOVER_SECONDS = 15.0
LOOK_SECONDS = 0.05


def takeover(company: Company, _approving: Approving) -> None:
    """Three agents reorder one item as one run; the process that performs it is killed in the middle of a call."""
    teller = company.teller
    teller.scene("S1 as one run", "a declared workflow of two units; the process that carries it out does not survive")
    item = company.ledger.low()
    run, killed_at = _killed_in_the_middle(company, item)
    shown = _ended(company.supervisor.client, run)
    seconds = time.monotonic() - killed_at
    for step in shown["steps"]:
        teller.say(f"step [bold]{step['path']}[/]: {step['state']}", "→")
    teller.check(shown["status"] == "done", f"the run is done, {seconds:.0f} s after its process was gone")
    teller.check(seconds < TAKEOVER_SECONDS, f"another process took it up within {TAKEOVER_SECONDS:.0f} s")
    teller.check(company.ledger.ordered(item) == 1, "no step is missing and none was done twice: one order")


def _killed_in_the_middle(company: Company, item: str) -> tuple[str, float]:
    """Begin a run at a second server and kill that server while it performs a call; returns the run, and when."""
    with second_server(company) as server:
        company.teller.say(f"a second `autonomy serve` shares the store, at {server.url}")
        there = company.people.at(SUPERVISOR, server.url)
        with company.ledger.kept_busy():  # so that a call is under way just then
            run = str(there.start_run(WORKFLOW, {"sku": item, "cost_center": "cc-optics"})["run"])
            company.teller.say(f"{SUPERVISOR} begins `{WORKFLOW}` for {item} there: {run}", "▶")
            _wait_for_call(company)
            server.kill()
            company.teller.say(f"kill -9, in the middle of `{company.ledger.budget_tool}`", "✖", colour="red")
    return run, time.monotonic()


def _wait_for_call(company: Company) -> None:
    until, tool = time.monotonic() + TAKEOVER_SECONDS, company.ledger.budget_tool
    while not any(company.supervisor.client.actions(state="running", tool=tool)):
        if time.monotonic() > until:
            raise Failed(f"the run did not come to `{tool}`")
        time.sleep(LOOK_SECONDS)


def _ended(client: Client, run: str) -> dict[str, Any]:
    """The run once it has ended, or as it is when nobody has taken it up for long."""
    until = time.monotonic() + 2 * TAKEOVER_SECONDS
    while (shown := client.run(run))["status"] == "running" and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return shown
