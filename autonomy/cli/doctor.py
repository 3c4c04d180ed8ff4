"""`autonomy doctor`: looks at an installation from outside and says what to mend."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from .examination import examine
from .options import AsJson, commands
from .place import Data, DatabaseUrl, Witness, settings_of
from .screen import details, show_json, table

app = commands()

Public = Annotated[str | None, typer.Option("--url", help="How clients reach the server.")]


@app.command()
def doctor(
    data: Data = None,
    database: DatabaseUrl = None,
    witness: Witness = None,
    url: Public = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation and say what to mend; changes nothing. Ends with 1 where something must be mended.

    \b
      autonomy doctor
    """
    settings = settings_of(data=data, database=database, witness=witness, url=url)
    found = examine(settings)
    failed = any(one.state == "fail" for one in found)
    if as_json:
        show_json({"ok": not failed, "checks": [asdict(one) for one in found]})
    else:
        details({"data folder": str(settings.data.absolute()), "server": settings.public_url})
        rows = ([one.name, one.state, one.told, one.mend] for one in found)
        table(["WHAT", "STATE", "FOUND", "WHAT TO DO"], rows, "nothing to check")
    if failed:
        raise typer.Exit(1)
