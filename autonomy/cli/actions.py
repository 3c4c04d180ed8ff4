"""`autonomy actions` and `action`: what agents did or were refused."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from autonomy.kernel.clock import duration

from .connect import connected
from .ending import Misused
from .options import AsJson, Limit, Reason, Url, commands
from .screen import heading, say, show_json, table
from .words import moment

app = commands()
action = commands("Show an action, or say how it ended.")
app.add_typer(action, name="action")

Id = Annotated[str, typer.Argument(help="The action, `act_…`.")]


@app.command()
def actions(
    text: Annotated[str | None, typer.Argument(help="Only with these words, all of them.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's, by name or id.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only with this tool.")] = None,
    state: Annotated[str | None, typer.Option(help="held, running, done, failed, unknown, denied, rejected, …")] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only of agents of this unit.")] = None,
    run: Annotated[str | None, typer.Option(help="Only of this run of a workflow.")] = None,
    policy: Annotated[str | None, typer.Option(help="Only where this rule decided.")] = None,
    label: Annotated[str | None, typer.Option(help="Only with this label or tag.")] = None,
    decision: Annotated[str | None, typer.Option(help="Only allowed (`allow`), held or denied ones.")] = None,
    since: Annotated[str | None, typer.Option(help="Only of the last `10m`, `24h`, `7d`.")] = None,
    limit: Limit = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List actions, newest first, refused ones among them.

    Words are looked for in tools, agents, rules and reasons, and in what was asked as far as you may read it.

    \b
      autonomy actions --state held --since 24h
      autonomy actions "lens supplier" --unit operations
    """
    earliest = None if since is None else time.time_ns() // 1_000_000 - duration(since)
    with connected(url) as client:
        named = {"agent": agent, "tool": tool, "state": state, "case": case, "unit": unit, "run": run}
        said = {"text": text, "policy": policy, "label": label, "decision": decision, "since": earliest}
        wanted = client.actions(**named, **said)
        found = [one for one, _ in zip(wanted, range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], moment(one["at"]), one["agent_name"], one["tool"], one["state"], one["message"] or one["code"]]
        for one in found
    )
    table(["ACTION", "AT", "AGENT", "TOOL", "STATE", "WHY"], rows, "there is no such action")


@action.command()
def show(id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Show an action: what was asked, how it was decided, who approved, how it ended."""
    with connected(url) as client:
        if as_json:
            show_json(client.action(id))
            return
        explained = client.explain(id)
    tell(explained)


@action.command()
def resolve(
    id: Id,
    reason: Reason,
    done: Annotated[bool, typer.Option("--done", help="It happened.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="It did not happen.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say how an action ended that is `unknown`, after you have looked in the system of record."""
    if done == failed:
        raise Misused("say `--done` or `--failed`")
    with connected(url) as client:
        found = client.resolve(id, "done" if done else "failed", reason)
    if as_json:
        show_json(found)
    else:
        tell(found)


def tell(explained: dict[str, Any]) -> None:
    """An explanation, sentence by sentence."""
    found = explained["explanation"]
    say(f"{found['what']['tool']} by {found['who']['name']}: {found['state']}", "bold")
    heading("What happened")
    say("\n".join(explained["sentences"]))
