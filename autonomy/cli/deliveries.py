"""`autonomy deliveries` and `delivery`: what other systems told us at hooks."""

from __future__ import annotations

from typing import Annotated

import typer

from .connect import connected
from .options import AsJson, Limit, Url, commands
from .screen import details, heading, show_json, table
from .words import moment

app = commands()
delivery = commands("Show what came in at a hook.")
app.add_typer(delivery, name="delivery")


@app.command()
def deliveries(
    hook: Annotated[str | None, typer.Option(help="Only those at this hook.")] = None,
    limit: Limit = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List what came in at hooks, newest first.

    \b
      autonomy deliveries
    """
    with connected(url) as client:
        found = [one for one, _ in zip(client.deliveries(hook), range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], one["hook"], one["type"], one["action"] or "", one["sender_id"], moment(one["at"])] for one in found
    )
    table(["DELIVERY", "HOOK", "TYPE", "ANSWERS", "SENDER'S ID", "AT"], rows, "nothing has come in")


@delivery.command()
def show(
    id: Annotated[str, typer.Argument(help="The delivery, `dlv_…`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Show one delivery with what was said.

    \b
      autonomy delivery show dlv_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        found = client.delivery(id)
    if as_json:
        show_json(found)
        return
    details({key: found[key] for key in found if key != "said"})
    heading("What was said")
    details(found["said"] or {"forgotten": True})
