"""`autonomy incident`: open, look, stop, let go on, close."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from .connect import connected
from .options import AsJson, Limit, Reason, Url, commands
from .screen import details, heading, say, show_json, table
from .words import moment

app = commands()
incident = commands("Open, stop, follow up and close incidents.")
app.add_typer(incident, name="incident")

Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident, `inc_…`.")]


class About(StrEnum):
    """What an incident can be about."""

    ACTION = "action"
    AGENT = "agent"
    RUN = "run"
    CASE = "case"


class Severity(StrEnum):
    """How grave an incident is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Cause(StrEnum):
    """Where it came from."""

    AGENT = "agent"
    POLICY = "policy"
    TOOL = "tool"
    DATA = "data"
    CREDENTIAL = "credential"
    PERSON = "person"
    SYSTEM_OF_RECORD = "system_of_record"
    OUTSIDE = "outside"
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"


@incident.command("open")
def open_incident(
    about: Annotated[About, typer.Argument(help="What it is about.")],
    name: Annotated[str, typer.Argument(help="Its id; of an agent also its name.")],
    severity: Annotated[Severity, typer.Option(help="How grave it is.")] = Severity.HIGH,
    title: Annotated[str, typer.Option(help="In a few words; one is made where none is given.")] = "",
    text: Annotated[str, typer.Option(help="What is known so far.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Open an incident about an action, an agent, a run or a case.

    \b
      autonomy incident open agent buyer-1 --title "it orders the same part again and again"
    """
    with connected(url) as client:
        told = client.open_incident(about.value, name, severity=severity.value, title=title, text=text)
    _tell(told, as_json)


@incident.command("list")
def list_incidents(
    state: Annotated[str | None, typer.Option(help="Only open, contained or closed ones.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only so grave ones.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those that this person sees to.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only about this agent, by name or id.")] = None,
    limit: Limit = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first.

    \b
      autonomy incident list --state open
    """
    with connected(url) as client:
        wanted = client.incidents(state=state, severity=severity and severity.value, owner=owner, agent=agent)
        found = [one for one, _ in zip(wanted, range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], one["severity"], one["state"], moment(one["opened_at"]), one["owner"], one["title"]]
        for one in found
    )
    table(["INCIDENT", "SEVERITY", "STATE", "OPENED", "OWNER", "TITLE"], rows, "there is no such incident")


@incident.command()
def show(id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Show an incident: its timeline, what was stopped, what is to be done.

    \b
      autonomy incident show inc_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        told = client.incident(id)
    _tell(told, as_json)


@incident.command()
def contain(
    id: Id,
    reason: Reason,
    scope: Annotated[str | None, typer.Option(help="agent, unit, tool or everything; else its agent.")] = None,
    target: Annotated[str | None, typer.Option(help="Its name; `*` for everything.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="End credentials for good, not only tokens.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Stop everything an incident is about, in one call, and show what confirmed it.

    \b
      autonomy incident contain inc_01jd8m3y6p2k7q4r9t5v8x0z1b --reason "until we know more"
    """
    said = {"reason": reason, "scope": scope, "target": target, "keys": keys}
    _steer(id, "contain", said, url, as_json)


@incident.command()
def reinstate(id: Id, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """Let what was stopped go on. Credentials that were ended stay ended.

    \b
      autonomy incident reinstate inc_01jd8m3y6p2k7q4r9t5v8x0z1b --reason "the order list is mended"
    """
    _steer(id, "reinstate", {"reason": reason}, url, as_json)


@incident.command()
def note(
    id: Id,
    text: Annotated[str, typer.Argument(help="What you have found out.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write something into the timeline.

    \b
      autonomy incident note inc_01jd8m3y6p2k7q4r9t5v8x0z1b "the supplier has seen both orders"
    """
    _steer(id, "notes", {"text": text}, url, as_json)


@incident.command()
def assign(
    id: Id,
    person: Annotated[str, typer.Argument(help="Who sees to it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say who sees to an incident.

    \b
      autonomy incident assign inc_01jd8m3y6p2k7q4r9t5v8x0z1b ada
    """
    with connected(url) as client:
        told = client.assign_incident(id, person)
    _tell(told, as_json)


@incident.command("follow-up")
def follow_up(
    id: Id,
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option(help="Who does it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Note what is to be done because of an incident.

    \b
      autonomy incident follow-up inc_01jd8m3y6p2k7q4r9t5v8x0z1b "limit orders of a part to one a day" --owner ada
    """
    _steer(id, "follow-ups", {"text": text, "owner": owner}, url, as_json)


@incident.command()
def done(
    id: Id,
    follow_up: Annotated[str, typer.Argument(help="The follow-up, `fol_…`.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say that a follow-up is done.

    \b
      autonomy incident done inc_01jd8m3y6p2k7q4r9t5v8x0z1b fol_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    _steer(id, f"follow-ups/{follow_up}/done", {}, url, as_json)


@incident.command()
def close(
    id: Id,
    cause: Annotated[Cause, typer.Option(help="Where it came from.")],
    text: Annotated[str, typer.Option(help="What caused it, in your words.")],
    leave_contained: Annotated[bool, typer.Option("--leave-contained", help="Though something is contained.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Close an incident with what caused it.

    \b
      autonomy incident close inc_01jd8m3y6p2k7q4r9t5v8x0z1b --cause data --text "the stock list was a day old"
    """
    said = {"cause": cause.value, "text": text, "leave_contained": leave_contained}
    _steer(id, "close", said, url, as_json)


def _steer(id: str, what: str, said: dict[str, Any], url: str | None, as_json: bool) -> None:
    with connected(url) as client:
        told = client.steer_incident(id, what, said)
    _tell(told, as_json)


def _of(shown: int, every: int) -> None:
    """Say so where there is more than is shown."""
    if shown < every:
        say(f"{shown} of {every}", "dim")


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    found = told["incident"]
    say(f"{found['id']}: {found['title']}", "bold")
    about = found["about"]
    details(
        {
            "state": found["state"],
            "severity": found["severity"],
            "about": f"{about['kind']} {about['id']}",
            "agent": found["place"]["agent_name"],
            "case": found["place"]["case"],
            "rule": found["place"]["rule"],
            "owner": found["owner"],
            "contained": found["containment"] and f"{found['scope']} {found['target']} by {found['containment']}",
            "cause": found["cause"],
        }
    )
    if told["stops"]:
        heading("What was stopped")
        rows = ([one["kind"], one["target"], one["state"], moment(one["at"]), one["detail"]] for one in told["stops"])
        table(["WHAT", "WHICH", "STATE", "AT", "KNOWN BY"], rows, "nothing")
        _of(len(told["stops"]), sum(told["stop_counts"].values()))
    heading("What happened")
    _of(len(told["timeline"]), told["timeline_count"])
    lines = ([moment(one["at"]), one["by"], one["event"], one["text"]] for one in told["timeline"])
    table(["AT", "BY", "WHAT", ""], lines, "nothing")
    if told["follow_ups"]:
        heading("What is to be done")
        todo = ([one["id"], one["owner"], moment(one["done_at"]), one["text"]] for one in told["follow_ups"])
        table(["FOLLOW-UP", "OWNER", "DONE", "WHAT"], todo, "nothing")
