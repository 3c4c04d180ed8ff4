"""S9: a vendor is taken on by four agents and a person, as one run of a declared workflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.markup import escape

from .approving import Approving
from .company import ADMIN, Company
from .processes import Failed

WORKFLOW = "vendor-onboarding"
WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.05


def onboarding(company: Company, approving: Approving) -> None:
    """Collect, assess, verify, admit; the procurement lead says yes at the end."""
    teller, client = company.teller, company.people[ADMIN].client
    teller.scene("S9  Vendor onboarding", "four agents and a person, as one run that waits as long as it must")
    vendor = company.ledger.applicant
    begun = client.start_run(WORKFLOW, {"application_id": vendor})
    run = str(begun["run"])
    teller.say(f"{ADMIN} begins `{WORKFLOW}` for {vendor}: {run}", "▶")
    joined = client.start_run(WORKFLOW, {"application_id": vendor})
    teller.check(
        joined["run"] == run and joined["joined"], "the same request again is the same run: nobody is asked twice"
    )
    _until(company, run, lambda shown: _waits(shown, "subscribe"))
    teller.say("the vendor is asked for what is missing; the run waits, as a row", "…", "collector-1", "yellow")
    company.ledger.documents_come(vendor)
    client.signal("vendor.documents", vendor)
    teller.say("the documents come in, and somebody tells of it", "✉")
    company.office.give("assessor-1", "assess")
    company.office.until_quiet(approving)
    held = str(_held(_until(company, run, lambda shown: _held(shown) is not None)))
    teller.say("the last step waits for a person, at the gate like any other action", "…", "updater-2", "yellow")
    approving.decide(held)
    shown = _until(company, run, lambda shown: shown["status"] != "running" or _waits(shown, "raise_exception"))
    for step in shown["steps"]:
        teller.say(f"step [bold]{escape(step['path'])}[/]: {step['state']}", "→")
    admitted = int(held not in approving.rejected)
    teller.check(
        company.ledger.admitted(vendor) == admitted, "the vendor is a supplier, or not, as its approver decided"
    )
    teller.check(company.ledger.asked(vendor) == 1, "it was asked for its documents once")


def _until(company: Company, run: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The run, once it is so."""
    until = time.monotonic() + WAIT_SECONDS
    while not so(shown := company.people[ADMIN].client.run(run)):
        if time.monotonic() > until:
            raise Failed(f"the run {run} did not go on; it is {shown['status']}")
        time.sleep(LOOK_SECONDS)
    return shown


def _waits(shown: dict[str, Any], kind: str) -> bool:
    return any(one["kind"] == kind for one in shown["waits"])


def _held(shown: dict[str, Any]) -> str | None:
    """The action of the run that waits for people at the gate."""
    if not any(step["state"] == "held" for step in shown["steps"]):
        return None
    return next((str(one["action"]) for one in shown["waits"] if one["kind"] == "perform_tool" and one["action"]), None)
