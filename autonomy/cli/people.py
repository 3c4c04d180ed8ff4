"""`autonomy people`, `person` and `access`: who works here, and who can do what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .asking import confirm
from .connect import connected
from .ending import REFUSED
from .issued import check_place, hand_over
from .options import AsJson, Reason, Url, Yes, commands
from .screen import details, say, show_json, table
from .words import span

app = commands()
person = commands("Invite a person or end their access.")
app.add_typer(person, name="person")
access = commands("Review who can do what, and ask that an agent gets a role.")
app.add_typer(access, name="access")

Name = Annotated[str, typer.Argument(help="The person's name.")]


@app.command()
def people(
    role: Annotated[str | None, typer.Option(help="Only holders of this role.")] = None,
    state: Annotated[str | None, typer.Option(help="active, inactive or offboarded.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List people.

    \b
      autonomy people
    """
    with connected(url) as client:
        found = list(client.people(role=role, state=state))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["name"], one["display_name"], one["state"], one["roles"], one["access"], one["has_password"]]
        for one in found
    )
    table(["PERSON", "CALLED", "STATE", "ROLES", "ACCESS", "PASSWORD"], rows, "there is no such person")


@person.command()
def invite(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Write the link to this file, readable for you alone.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a one-time link by which a person sets a password; earlier links end.

    \b
      autonomy person invite rosa --out rosa.link
    """
    check_place(out)
    with connected(url) as client:
        found = client.invite(name)
    about = f"works once, for {span(found['expires_in'])}; `autonomy login --link-file` takes it, and so does a browser"
    hand_over(found, out, as_json, about, "link")


@person.command()
def offboard(name: Name, reason: Reason, yes: Yes = False, url: Url = None, as_json: AsJson = False) -> None:
    """End a person's access; the agents they sponsor rest. Asks first on a terminal.

    \b
      autonomy person offboard nadia --reason "left the company"
    """
    confirm(f"End everything `{name}` may do?", yes)
    with connected(url) as client:
        found = client.offboard(name, reason)
    if as_json:
        show_json(found)
        return
    details(
        {
            "agents that rest now": found["suspended"],
            "credentials that ended": found["credentials_revoked"],
            "live credentials they have seen": found["known_to_them"],
        }
    )
    if found["known_to_them"]:
        say("rotate these credentials: `autonomy agent credential`, then `autonomy agent revoke cred_…`", "yellow")


@access.command("request")
def request_access(
    agent: Annotated[str, typer.Argument(help="The agent that shall have it.")],
    role: Annotated[str, typer.Argument(help="The role it shall have.")],
    reason: Reason,
    through: Annotated[str | None, typer.Option(help="The agent in whose name it is asked, if several could.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask that an agent gets one role more. People decide, and you are not among them.

    It is asked through an agent that has the tool `access.request`, under its rules. What people give is a change of
    the organisation.

    \b
      autonomy access request stock-watcher buyer --reason "it sees first what is missing"
    """
    with connected(url) as client:
        found = client.request_access(agent, role, reason, through)
    if as_json:
        show_json(found)
    elif found["status"] == "held":
        say(f"{found['action']}: asked through {found['through']}; it waits for people")
        say(f"`autonomy approvals show {found['action']}` says for whom")
    else:
        shown = ("action", "status", "through", "message", "code", "policies", "needed")
        details({name: found[name] or None for name in shown})
    if found["status"] not in ("held", "done"):
        raise typer.Exit(REFUSED)


@access.command("review")
def review_access(
    kind: Annotated[str | None, typer.Argument(help="`agent` or `person`; both where none is named.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Review who can do what.

    Agents that are not retired come first, then people.

    \b
      autonomy access review
    """
    with connected(url) as client:
        found = list(client.access_review(kind))
    if as_json:
        show_json(found)
        return
    rows = (
        [
            one["kind"],
            one["name"],
            one["state"],
            [*one["roles"], *one["access"]],
            one["sponsor"],
            one["live_credentials"],
            one["acts_for"],
        ]
        for one in found
    )
    table(["KIND", "NAME", "STATE", "ROLES AND ACCESS", "SPONSOR", "CREDENTIALS", "ACTS FOR"], rows, "nobody")
