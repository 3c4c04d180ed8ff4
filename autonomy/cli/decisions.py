"""`autonomy decision`: the tables by which the same case gets the same answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .arguments import coerced, split
from .cases import tell_cases
from .connect import connected
from .options import AsJson, Url, commands
from .screen import details, say, show_json, table

app = commands()
decision = commands("List decision tables, run their tests, and ask one.")
app.add_typer(decision, name="decision")


@decision.command("list")
def list_decisions(url: Url = None, as_json: AsJson = False) -> None:
    """List decision tables; an agent asks one by the tool `decision.NAME`.

    \b
      autonomy decision list
    """
    with connected(url) as client:
        found = list(client.decisions())
    if as_json:
        show_json(found)
        return
    rows = (
        [each["name"], each["hit"], each["rows"], list(each["inputs"]), list(each["outputs"]), each["description"]]
        for each in found
    )
    table(["DECISION", "HIT", "ROWS", "FROM", "TO", "WHAT IT DECIDES"], rows, "there is no decision table")


@decision.command()
def test(
    folder: Annotated[Path, typer.Argument(help="The organisation's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Run the tests in the decision tables of a folder, without a server.

    \b
      autonomy decision test org
    """
    # Loads the engine of rules, which the other commands here need not wait for.
    from .declared import test_decisions  # noqa: PLC0415

    tell_cases(test_decisions(folder), as_json)


@decision.command("try")
def try_decision(
    name: Annotated[str, typer.Argument(help="The decision table.")],
    inputs: Annotated[list[str], typer.Argument(help="Inputs, each `name=value` or `name:=json`.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask a table what comes of a case. Nothing is done and nothing is recorded.

    \b
      autonomy decision try reorder days_left=3 critical=true
    """
    pairs = split(inputs)
    with connected(url) as client:
        declared: dict[str, Any] = next((each["inputs"] for each in client.decisions() if each["name"] == name), {})
        found: dict[str, Any] = client.try_decision(name, coerced(pairs, {"properties": declared}))
    if as_json:
        show_json(found)
        return
    outputs = found["outputs"]
    details(outputs if isinstance(outputs, dict) else {str(number): each for number, each in enumerate(outputs, 1)})
    say(f"by row {', '.join(map(str, found['rows'])) or 'none'} of {found['decision']}@{found['revision']}")
