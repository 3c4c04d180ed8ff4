"""`autonomy policy`: check and test policies in files, and ask the server why it decides as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .arguments import coerced, split
from .cases import tell_cases
from .connect import connected
from .declared import check_folder, test_folder
from .ending import Misused
from .options import AsJson, Url, commands
from .screen import heading, say, show_json, table

app = commands()
policy = commands("Check and test policies, and ask why.")
app.add_typer(policy, name="policy")

Folder = Annotated[Path, typer.Argument(help="The organisation's folder.")]


@policy.command()
def check(folder: Folder = Path(), as_json: AsJson = False) -> None:
    """Check a folder as `apply` would, without a server.

    Manifests, references, tools, budgets and policies; then what is legal but suspicious in the policies.

    \b
      autonomy policy check org
    """
    found = check_folder(folder)
    if as_json:
        show_json({"objects": found.objects, "rules": found.rules, "remarks": found.remarks})
        return
    for remark in found.remarks:
        say(f"remark: {remark}", "yellow")
    say(f"{found.objects} objects and {found.rules} rules are in order")


@policy.command()
def test(folder: Folder = Path(), as_json: AsJson = False) -> None:
    """Run the decision tests of a folder, without a server.

    Each case in `tests/*.yaml` says who asks what, and what the answer must be. Ends with 1 where one differs.

    \b
      autonomy policy test org
    """
    tell_cases(test_folder(folder), as_json)


@policy.command()
def why(
    arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of the tool: `name=value`.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent that would ask.")] = None,
    tool: Annotated[str | None, typer.Option(help="The tool it would ask for.")] = None,
    action: Annotated[str | None, typer.Option(help="An action that was decided.")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="What a look-up would find: `name=value`; repeatable.")] = None,
    window: Annotated[list[str] | None, typer.Option(help="A window's count or sum: `name=value`.")] = None,
    approval: Annotated[list[str] | None, typer.Option(help="A role that has approved; repeatable.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="What the case has been in touch with.")] = None,
    cost: Annotated[int, typer.Option(min=0, help="The worst case, in minor units of the base currency.")] = 0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask why: of an action that was decided, or of one that an agent might ask for.

    Nothing is looked up and nothing is recorded; facts are what you say they are.

    \b
      autonomy policy why --agent payables-1 --tool invoice.approve invoice_id=inv-1 version=1 --fact invoice_amount=99
    """
    if (action is None) == (agent is None or tool is None):
        raise Misused("name an action, or an agent and a tool", hint="`--action act_…`, or `--agent … --tool …`")
    with connected(url) as client:
        if action is not None:
            found = client.explain(action)
        else:
            schema = client.tool(str(tool))["spec"].get("input", {})
            found = client.why(
                {
                    "agent": agent,
                    "tool": tool,
                    "arguments": coerced(split(arguments or []), schema),
                    "facts": coerced(split(fact or []), {}),
                    "windows": coerced(split(window or []), {}),
                    "approvals": approval or [],
                    "labels": label or [],
                    "cost": cost,
                }
            )
    if as_json:
        show_json(found)
    elif action is not None:
        say("\n".join(found["sentences"]))
    else:
        _show(found)


@policy.command("list")
def list_rules(
    unit: Annotated[str | None, typer.Option(help="Only rules that this unit declares.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the rules in force.

    \b
      autonomy policy list
    """
    with connected(url) as client:
        found = list(client.policies(unit))
    if as_json:
        show_json(found)
        return
    rows = ([one["id"], one["effect"], one["mode"], one["unit"], f"{one['file']}:{one['line']}"] for one in found)
    table(["RULE", "EFFECT", "MODE", "UNIT", "PLACE"], rows, "no rule is in force: everything is denied")


def _show(found: dict[str, Any]) -> None:
    verdict = found["verdict"]
    say(f"{verdict['effect']}: {'; '.join(verdict['reasons']) or 'no rule gives a reason'}", "bold")
    if verdict["roles"]:
        say(f"an approval is needed of: {', '.join(verdict['roles'])}")
    for needed in verdict["needs"]:
        say(f"needed: {needed}")
    for error in verdict["errors"]:
        say(f"it cannot be decided: {error}", "red")
    if found["rules"]:
        heading("Rules that could have a say")
        rows = ([one["rule"], one["agent"], one["decided"], one["matched"], _turned_on(one)] for one in found["rules"])
        table(["RULE", "AGENT", "DECIDED", "MATCHED", "BECAUSE"], rows, "none")


def _turned_on(rule: dict[str, Any]) -> str:
    """The part that kept a rule from matching."""
    for clause in rule["clauses"]:
        if clause["passes"] is not True:
            return f"{clause['kind']} {clause['text']}" + (f": {clause['error']}" if clause["error"] else "")
    return ""
