"""`autonomy act`: an action as an agent asks for it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from autonomy.kernel.clock import SECOND, duration
from autonomy.kernel.errors import Unauthenticated
from autonomy.sdk import AgentClient, Outcome

from .arguments import coerced, read_object, split
from .ending import REFUSED, Misused
from .options import AsJson, Url, commands
from .private import read_private
from .screen import details, say, show_json, working
from .sessions import Sessions
from .words import moment

KEY, CLIENT_ID, CLIENT_SECRET = "AUTONOMY_AGENT_KEY", "AUTONOMY_CLIENT_ID", "AUTONOMY_CLIENT_SECRET"
"""Environment variables that hold an agent's credential; it is never an argument, which others could read."""

_REFUSED = frozenset({"denied", "rejected", "failed", "unknown"})

app = commands()


@app.command()
def act(
    tool: Annotated[str, typer.Argument(help="The tool, as `autonomy tools` lists it.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="`name=value`, or `name:=json`.")] = None,
    json_args: Annotated[str | None, typer.Option("--json-args", help="All arguments as one JSON object.")] = None,
    key_file: Annotated[Path | None, typer.Option(help=f"A file with the agent's API key; else ${KEY}.")] = None,
    case: Annotated[str | None, typer.Option(help="The case this belongs to.")] = None,
    key: Annotated[str | None, typer.Option("--idempotency-key", help="The same key never acts twice.")] = None,
    rationale: Annotated[str | None, typer.Option(help="Why, in the agent's own words.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be decided.")] = False,
    wait: Annotated[str | None, typer.Option(help="Wait so long for people to decide, such as `10m`.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask for an action, as an agent.

    Ends with 0 where it was done or waits for people, with 1 where it was refused or failed.

    \b
      autonomy act invoice.list_open --key-file autonomy-data/trial/payables-1.key
    """
    if arguments and json_args is not None:
        raise Misused("arguments are given twice", hint="either `name=value`, or `--json-args`")
    patience = None if wait is None else duration(wait) / SECOND
    client = agent_client(url, key_file)
    asked = coerced(split(arguments), _schema(client, tool)) if arguments else read_object(json_args or "{}")
    found = client.act(tool, asked, case=case, key=key, rationale=rationale, dry_run=dry_run)
    if patience is not None and found.is_open and found.action:
        with working(f"{found.action} is {found.status}; waiting"):
            found = client.wait(found.action, patience)
    show_outcome(found, as_json)


def agent_client(url: str | None, key_file: Path | None) -> AgentClient:
    """The agent whose credential the file or the environment holds. Raises Unauthenticated where there is none."""
    address = url or Sessions.of_user().current()
    key = read_private(key_file).strip() if key_file is not None else os.environ.get(KEY)
    if key:
        return AgentClient(address, key=key)
    client_id, secret = os.environ.get(CLIENT_ID), os.environ.get(CLIENT_SECRET)
    if client_id and secret:
        return AgentClient(address, client_id=client_id, client_secret=secret)
    raise Unauthenticated(
        "no agent's credential is at hand",
        code="agent.no_credential",
        hint=f"name a file with `--key-file`, or set `{KEY}`; `autonomy agent credential` issues one",
    )


def show_outcome(found: Outcome, as_json: bool) -> None:
    """Print an outcome; ends the command with 1 where it was refused or failed."""
    if as_json:
        show_json(asdict(found))
    else:
        _tell(found)
    if found.status in _REFUSED:
        raise typer.Exit(REFUSED)


def _schema(client: AgentClient, tool: str) -> Any:
    """How the tool declares its arguments; nothing where the agent does not see it, which the server then says."""
    return next((one["input"] for one in client.tools() if one["name"] == tool), {})


def _tell(found: Outcome) -> None:
    details(
        {
            "status": found.status,
            "action": found.action or None,
            "case": found.case or None,
            "why": found.message,
            "code": found.code,
            "rules": list(found.policies) or None,
            "needs": list(found.needed) or None,
            "notice": list(found.notices) or None,
            "result": found.result if found.status == "done" else None,
            **{name.replace("_", " "): _detail(name, value) for name, value in found.detail.items()},
        }
    )
    if found.status == "held":
        say(
            f"it waits for people: `autonomy approvals show {found.action}`"
            if found.action
            else "people would be asked"
        )
    elif found.action and found.status in _REFUSED:
        say(f"`autonomy policy why --action {found.action}` explains it")


def _detail(name: str, value: Any) -> Any:
    """What came with the answer; times, which end in `_at`, as times."""
    return moment(value) if name.endswith("_at") and isinstance(value, int) else value
