"""`autonomy tools` and `tool`: what agents may be allowed to do."""

from __future__ import annotations

from typing import Annotated

import typer

from .connect import connected
from .importing import imports
from .options import AsJson, Url, commands
from .screen import details, heading, say, show_json, table

app = commands()
tool = commands("Show an operation, accept its changed definition, or import some.")
app.add_typer(tool, name="tool")
tool.add_typer(imports, name="import")

Name = Annotated[str, typer.Argument(help="The tool's name.")]


@app.command()
def tools(
    connector: Annotated[str | None, typer.Option(help="Only those of this connector.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List approved operations.

    \b
      autonomy tools
    """
    with connected(url) as client:
        found = list(client.tools(connector))
    if as_json:
        show_json(found)
        return
    rows = (
        [
            one["name"],
            one["effect"],
            one["risk"],
            one["tags"],
            "quarantined" if one["quarantined"] else "",
            one["description"],
        ]
        for one in found
    )
    table(["TOOL", "EFFECT", "RISK", "DATA", "STATE", "WHAT IT DOES"], rows, "there is no such tool")


@tool.command()
def show(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Show one operation: what it takes, what it does, and what it may cost.

    \b
      autonomy tool show payment.release
    """
    with connected(url) as client:
        found = client.tool(name)
    if as_json:
        show_json(found)
        return
    details({key: found[key] for key in found if key != "spec"})
    heading("Its definition")
    details(found["spec"])


@tool.command()
def accept(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Accept a changed definition, so that the operation is offered and called again.

    \b
      autonomy tool accept payment.release
    """
    with connected(url) as client:
        accepted = client.accept_tool(name)
    if as_json:
        show_json({"accepted": accepted})
    else:
        say(f"accepted: {', '.join(accepted)}" if accepted else f"`{name}` was accepted already")
