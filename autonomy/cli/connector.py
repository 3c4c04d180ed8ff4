"""`autonomy connector`: a connector of one's own to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autonomy.catalog.files import write
from autonomy.tools.kit import checkout, package

from .options import AsJson, commands
from .screen import say, show_json
from .starter import check_empty

app = commands()
connector = commands("Begin a connector of your own.")
app.add_typer(connector, name="connector")


@connector.command()
def new(
    name: Annotated[str, typer.Argument(help="What the system is called, in small letters.")],
    folder: Annotated[Path | None, typer.Argument(help="Where to write it; a folder of its name without one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a small package: a connector that works, its manifests, and tests that pass.

    Its tests run the suite that any connector must pass. Replace its operations by those of your system.

    \b
      autonomy connector new payroll
    """
    target, files = folder or Path(name), package(name, checkout())
    check_empty(target)
    write(target, files)
    if as_json:
        show_json({"folder": str(target), "files": sorted(files)})
        return
    say(f"{len(files)} files are in `{target}`; begin with `{target / 'README.md'}`")
