"""`autonomy approvals`: what waits for people, shown so that they can decide it, and their decisions."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from autonomy.kernel.clock import now
from autonomy.kernel.errors import NotFound
from autonomy.sdk import Client

from .asking import confirm
from .connect import connected
from .ending import Misused
from .options import AsJson, Url, Yes, commands
from .screen import details, heading, say, show_json, table
from .words import moment, span

_PARTS = {"hidden": "hidden from you", "erased": "erased", "changed": "not what was written", "none": "none"}

app = commands()
approvals = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    add_completion=False,
)
app.add_typer(approvals, name="approvals")


@approvals.callback()
def list_waiting(
    context: typer.Context,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you could decide.")] = False,
    state: Annotated[list[str] | None, typer.Option(help="In this state instead of `waiting`; repeatable.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List, show and decide what waits for people.

    Alone it lists what waits, newest first.

    \b
      autonomy approvals --mine
    """
    if context.invoked_subcommand is not None:
        return
    with connected(url) as client:
        found = list(client.approvals(mine, state or ()))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["action"], one["agent_name"], one["consequence"], one["roles"], span(one["expires_at"] - now())]
        for one in found
    )
    table(["ACTION", "WHO ASKS", "WHAT IT MEANS", "WHO DECIDES", "EXPIRES IN"], rows, "nothing waits")


@approvals.command()
def show(
    action: Annotated[
        str | None, typer.Argument(help="The action; the only one that waits for you if left out.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one held action: what it means, exactly what would be done, and why it was held.

    \b
      autonomy approvals show
    """
    with connected(url) as client:
        found = client.approval(action or only_one(client))
    if as_json:
        show_json(found)
    else:
        _tell(found)


@approvals.command()
def decide(
    action: Annotated[
        str | None, typer.Argument(help="The action; the only one that waits for you if left out.")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Let it go ahead.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="End it.")] = False,
    send_back: Annotated[bool, typer.Option("--return", help="Send it back; the reason says what to change.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes on record.")] = "",
    role: Annotated[str | None, typer.Option(help="In which of your roles, where several could decide.")] = None,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Decide a held action.

    Shows it first, and asks on a terminal. The decision counts for exactly what was shown: where that has changed
    meanwhile, the decision is refused.

    \b
      autonomy approvals decide --approve --reason "agreed with the supplier"
    """
    verdict = _verdict(approve, reject, send_back)
    if verdict == "return" and not reason:
        raise Misused("a return needs a reason", hint="say with `--reason` what to change")
    with connected(url) as client:
        found = client.approval(action or only_one(client))
        if not as_json:
            _tell(found)
            say()
        confirm(f"{verdict.capitalize()} it?", yes)
        decided = client.decide(found["action"], verdict, found["shown"], reason, role)
    if as_json:
        show_json({**decided, "shown": found["shown"]})
        return
    left = f"; still needed: {', '.join(decided['waits_for'])}" if decided["waits_for"] else ""
    say(f"{decided['action']} is {decided['state']}{left}", "bold")
    if decided["state"] == "ready":
        say(f"it is carried out now; `autonomy action show {decided['action']}` tells how it ended")


def only_one(client: Client) -> str:
    """The one action that the signed-in person could decide. Raises NotFound for none, Misused for several."""
    found = [one for one in client.approvals(mine=True) if one["yours"]]
    if not found:
        raise NotFound("nothing waits for you", code="approvals.none", hint="`autonomy approvals` lists what waits")
    if len(found) > 1:
        raise Misused(f"{len(found)} actions wait for you", hint="name one; `autonomy approvals --mine` lists them")
    return str(found[0]["action"])


def _verdict(approve: bool, reject: bool, send_back: bool) -> str:
    said = [word for word, given in (("approve", approve), ("reject", reject), ("return", send_back)) if given]
    if len(said) != 1:
        raise Misused("say one of `--approve`, `--reject`, `--return`")
    return said[0]


def _tell(found: dict[str, Any]) -> None:
    say(found["consequence"], "bold")
    if found["difference"]:
        say(f"changed since you were last asked: {found['difference']}", "yellow")
    if found["tool"]:
        heading(f"{found['agent_name']} asks to use {found['tool']}")
    else:
        heading(f"a run of {found['agent_name']} asks before it goes on")
    if found["arguments"]["state"] == "shown":
        details(found["arguments"]["value"])
        details({"exactly": found["canonical"]})
    else:
        say(f"arguments: {_part(found['arguments'])}")
    heading("Why it waits")
    for reason in found["reasons"]:
        say(reason)
    for rule in found["rules"]:
        say(f"rule {rule['id']}" + (f":\n{rule['text']}" if rule["text"] else ", whose words are not found"))
    details({"facts": _part(found["facts"]), "the agent's own word": _part(found["rationale"])})
    heading("Who decides")
    rows = ([_wanted(one), one["roles"], [_giver(vote) for vote in one["given_by"]]] for one in found["seats"])
    table(["APPROVAL OF", "MAY BE GIVEN BY", "GIVEN BY"], rows, "nobody")
    _tell_history(found["history"])
    details(
        {
            "action": found["action"],
            "state": found["state"],
            "case": found["case"],
            "asked": moment(found["asked_at"]),
            "expires": moment(found["expires_at"]),
            "reminder": None if found["next_reminder_at"] is None else moment(found["next_reminder_at"]),
            "shown": found["shown"],
        }
    )


def _wanted(seat: dict[str, Any]) -> str:
    return str(seat["role"]) if seat["people"] == 1 else f"{seat['people']} of {seat['role']}"


def _giver(vote: dict[str, Any]) -> str:
    return f"{vote['person']} for {vote['instead_of']}" if vote["instead_of"] else str(vote["person"])


def _tell_history(history: list[dict[str, Any]]) -> None:
    if history:
        heading("What was said")
        rows = ([moment(one["at"]), one["actor"], one["event"], one["role"], one["reason"]] for one in history)
        table(["AT", "WHO", "WHAT", "AS", "WHY"], rows, "nothing")
    say()


def _part(part: dict[str, Any]) -> str | None:
    """What an action carried, or why it is not shown; None where there never was any."""
    if part["state"] == "none":
        return None
    if part["state"] != "shown":
        return _PARTS[part["state"]]
    return part["value"] if isinstance(part["value"], str) else json.dumps(part["value"], ensure_ascii=False)
