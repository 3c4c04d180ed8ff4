"""`autonomy delegate` and `delegations`: which agent may act for which."""

from __future__ import annotations

from typing import Annotated

import typer

from autonomy.kernel.clock import duration

from .connect import connected
from .options import AsJson, Url, commands
from .screen import say, show_json, table
from .words import moment

app = commands()


@app.command()
def delegate(
    giver: Annotated[str, typer.Argument(help="The agent that is acted for.")],
    taker: Annotated[str, typer.Argument(help="The agent that acts.")],
    tool: Annotated[list[str], typer.Option(help="A tool it may use; repeatable.")],
    lasting: Annotated[str, typer.Option("--for", help="How long, such as `8h`.")] = "8h",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let an agent act for another; both must be entitled at every use.

    \b
      autonomy delegate buyer-1 buyer-2 --tool stock.get --for 8h
    """
    with connected(url) as client:
        found = client.delegate(giver, taker, tool, duration(lasting))
    if as_json:
        show_json(found)
    else:
        tools = ", ".join(found["tools"])
        say(f"{found['id']}: {taker} may use {tools} for {giver} until {moment(found['expires_at'])}")


@app.command()
def delegations(
    agent: Annotated[str | None, typer.Argument(help="Only those from or to this agent.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List who may act for whom, newest first; `autonomy agent revoke del_…` ends one.

    \b
      autonomy delegations
    """
    with connected(url) as client:
        found = list(client.delegations(agent))
    if as_json:
        show_json(found)
        return
    rows = (
        [
            one["id"],
            one["from_agent"],
            one["to_agent"],
            one["tools"],
            moment(one["expires_at"]),
            moment(one["revoked_at"]),
        ]
        for one in found
    )
    table(["DELEGATION", "FOR", "ACTS", "TOOLS", "ENDS", "REVOKED"], rows, "nobody acts for anybody")
