"""`autonomy agents` and `agent`: the workforce, and every way to let an agent work or stop."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autonomy.kernel.clock import duration
from autonomy.kernel.errors import AutonomyError

from .arguments import parsed
from .asking import confirm
from .connect import connected
from .ending import Misused
from .issued import check_place, hand_over
from .options import AsJson, Reason, Url, Yes, commands
from .screen import details, note, say, show_json, table
from .words import moment

app = commands()
agent = commands("Let an agent work, rest or end, and give it credentials.")
app.add_typer(agent, name="agent")

Name = Annotated[str, typer.Argument(help="The agent's name.")]


class Kind(StrEnum):
    """What an agent authenticates with."""

    API_KEY = "api_key"
    CLIENT_SECRET = "client_secret"


class Stage(StrEnum):
    """How far an agent may work."""

    PILOT = "pilot"
    ACTIVE = "active"


@app.command()
def agents(
    state: Annotated[str | None, typer.Option(help="draft, pilot, active, suspended, contained or retired.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only agents of this unit.")] = None,
    role: Annotated[str | None, typer.Option(help="Only agents with this role.")] = None,
    sponsor: Annotated[str | None, typer.Option(help="Only agents this person answers for.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List agents.

    \b
      autonomy agents --state active
    """
    with connected(url) as client:
        found = list(client.agents(state=state, unit=unit, role=role, sponsor=sponsor))
    if as_json:
        show_json(found)
        return
    rows = ([one["name"], one["state"], one["unit"], one["roles"], one["sponsor"]] for one in found)
    table(["AGENT", "STATE", "UNIT", "ROLES", "SPONSOR"], rows, "there is no such agent")


@agent.command()
def show(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Show one agent and its credentials, never a secret.

    \b
      autonomy agent show buyer-1
    """
    with connected(url) as client:
        found = client.agent(name)
        may_read = "identity:credential:read" in client.me()["permissions"]
        credentials = list(client.credentials(name)) if may_read else None
    if as_json:
        show_json({**found, "credentials": credentials})
        return
    told = {key.replace("_", " "): found[key] for key in found if key != "created_at"}
    details({**told, "since": moment(found["created_at"])})
    if credentials is not None:
        say()
        rows = (
            [one["id"], one["kind"], moment(one["expires_at"]), moment(one["revoked_at"]), one["issued_by"]]
            for one in credentials
        )
        table(["CREDENTIAL", "KIND", "ENDS", "REVOKED", "ISSUED BY"], rows, "it has no credential")


@agent.command()
def credential(
    name: Name,
    kind: Annotated[Kind, typer.Option(help="A key for simple clients, or a secret for OAuth.")] = Kind.API_KEY,
    lasting: Annotated[str | None, typer.Option("--for", help="How long it is good, such as `30d`.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the secret to this file, readable for you alone.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Issue a credential; its secret is shown this once.

    \b
      autonomy agent credential buyer-1 --for 30d --out buyer-1.key
    """
    check_place(out)
    with connected(url) as client:
        found = client.issue_credential(name, kind.value, None if lasting is None else duration(lasting))
    about = f"{found['kind']} {found['id']} of {found['agent']}, good until {moment(found['expires_at'])}"
    hand_over(found, out, as_json, about)


@agent.command()
def key(
    name: Name,
    jwk: Annotated[Path, typer.Option("--jwk", help="A file with the public half of its key, as a JSON Web Key.")],
    lasting: Annotated[str | None, typer.Option("--for", help="How long it is good, such as `30d`.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Register an agent's public key: it then signs to get tokens (`private_key_jwt`), and no secret is shared.

    \b
      autonomy agent key buyer-1 --jwk buyer-1.jwk
    """
    with connected(url) as client:
        found = client.register_key(name, _read_jwk(jwk), None if lasting is None else duration(lasting))
    if as_json:
        show_json(found)
        return
    note(f"good until {moment(found['expires_at'])}; its client id is")
    say(found["id"])


def _read_jwk(path: Path) -> dict[str, object]:
    try:
        found = parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, AutonomyError):
        raise Misused(f"`{path}` is no JSON Web Key") from None
    if not isinstance(found, dict):
        raise Misused(f"`{path}` is no JSON Web Key")
    return found


@agent.command()
def revoke(
    what: Annotated[str, typer.Argument(help="An agent's name, a credential (`cred_…`) or a delegation (`del_…`).")],
    reason: Reason,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a credential, a delegation, or everything an agent has; effective on its next call.

    \b
      autonomy agent revoke buyer-1 --reason "its key was in a mail"
    """
    with connected(url) as client:
        if what.startswith("del_"):
            client.revoke_delegation(what)
            ended = 0
        elif what.startswith("cred_"):
            ended = client.revoke_credential(what, reason)
        else:
            ended = client.revoke_agent(what, reason)
    if as_json:
        show_json({"what": what, "credentials": ended})
    else:
        say(f"revoked `{what}`; {ended} credentials ended")


@agent.command()
def suspend(name: Name, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """Let an agent rest until somebody reinstates it.

    \b
      autonomy agent suspend buyer-2 --reason "its sponsor is away"
    """
    with connected(url) as client:
        _stands(client.suspend(name, reason), as_json)


@agent.command()
def reinstate(name: Name, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """Let an agent work again that was suspended or contained.

    \b
      autonomy agent reinstate buyer-2 --reason "its sponsor is back"
    """
    with connected(url) as client:
        _stands(client.reinstate_agent(name, reason), as_json)


@agent.command()
def promote(
    name: Name,
    to: Annotated[Stage, typer.Option(help="`pilot` or `active`.")] = Stage.ACTIVE,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let a draft or a pilot work."""
    with connected(url) as client:
        _stands(client.promote(name, to.value), as_json)


@agent.command()
def retire(name: Name, reason: Reason, yes: Yes = False, url: Url = None, as_json: AsJson = False) -> None:
    """End an agent for good, with its child agents; asks first on a terminal.

    \b
      autonomy agent retire buyer-2 --reason "replaced by buyer-1"
    """
    confirm(f"End `{name}` for good?", yes)
    with connected(url) as client:
        ended = client.retire(name, reason)
    if as_json:
        show_json({"retired": ended})
    else:
        say(f"retired: {', '.join(ended)}")


def _stands(found: dict[str, str], as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        say(f"{found['name']} is {found['state']}")
