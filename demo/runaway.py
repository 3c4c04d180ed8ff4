"""An agent runs away: its rate brakes it, its supervisor stops it in the middle of a call."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from .approving import Approving
from .company import SUPERVISOR, Company
from .processes import Event, Failed

AGENT = "buyer-2"
REASON = "it sends the same reminder again and again"
TOLD = 3  # reminders that are told one by one
WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.05

_DESCRIPTION = re.compile(r'"error_description":"([^"]+)"')  # RFC 6749 section 5.2


def runaway(company: Company, _approving: Approving) -> None:
    """A program that reminds a supplier for ever: braked, contained with a call in flight, locked out."""
    company.teller.scene(
        "An agent runs away", "buyer-2 has a defect: it reminds a supplier until the goods are there, without a pause"
    )
    order = _an_open_order(company)
    company.office.give(AGENT, "chase", order=order)
    sent = _until_braked(company)
    company.teller.say(f"{sent} reminders within a minute; then its rate holds it back", "⚑", AGENT, "red")
    with company.ledger.kept_busy():
        company.teller.say("the business database is busy for a moment, so that a call is under way just now", "·")
        _wait_for(lambda: _under_way(company), "no call of the runaway was under way")
        stopped = _contain(company)
    _until_locked_out(company)
    _tell(company, stopped)


def _an_open_order(company: Company) -> str:
    query = "SELECT id FROM purchase_order WHERE status = 'open' AND created_by = 'buyer-2' ORDER BY id LIMIT 1"
    return str(company.ledger.one(query))


def _until_braked(company: Company) -> int:
    sent = 0
    for agent, event in company.office.happenings():
        if event["event"] != "used":
            continue
        if event["status"] == "refused":
            company.teller.used(agent, event)
            return sent
        if event["tool"] == "message.send":
            sent += 1
            if sent <= TOLD:
                company.teller.used(agent, event)
    raise AssertionError("happenings never end")


def _under_way(company: Company) -> bool:
    return any(company.supervisor.client.actions(agent=AGENT, state="running", tool="message.send"))


def _contain(company: Company) -> Event:
    supervisor = company.people[SUPERVISOR]
    stopped = supervisor.client.contain("agent", AGENT, REASON)
    company.teller.say(f"[bold]{supervisor.display_name}[/] contains {AGENT}: {REASON}", "■", colour="red")
    return stopped


def _until_locked_out(company: Company) -> None:
    """Its token has ended and it gets no other: the program stops by itself."""
    for agent, event in company.office.happenings():
        if agent == AGENT and event["event"] == "locked_out":
            said = _DESCRIPTION.search(event["message"])
            reason = said.group(1) if said else event["message"]
            company.teller.say(f"its next call finds the door shut: {reason}; the program ends", "■", agent, "red")
            return


def _tell(company: Company, stopped: Event) -> None:
    teller, ledger = company.teller, company.ledger
    flying, confirmed = stopped["in_flight"], stopped["confirmed"]
    teller.say(f"in flight: {len(flying)} call; confirmed stopped: {len(confirmed)}", "■", AGENT, "red")
    for action in flying:
        ending = company.auditor.client.action(action)["explanation"]["endings"][-1]
        told = "the business database was asked: it did not happen" if ending["via"] == "reconcile" else ending["code"]
        teller.say(f"[dim]its reminder ended as {ending['status']}: {told}[/]", " ", AGENT)
    teller.check(bool(flying) and set(flying) == set(confirmed), "what was in flight is known and has ended")
    teller.check(not any(ledger.executions()[action] for action in flying), "the reminder in flight was never sent")


def _wait_for(found: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not found():
        if time.monotonic() > until:
            raise Failed(otherwise)
        time.sleep(LOOK_SECONDS)
