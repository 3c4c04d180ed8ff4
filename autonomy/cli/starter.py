"""`autonomy init`: a starter organisation in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autonomy.catalog import starter
from autonomy.catalog.files import write
from autonomy.catalog.schemas import documents
from autonomy.kernel.errors import Conflict

from .options import AsJson, commands
from .screen import say, show_json

SCHEMAS = ".autonomy/schemas"
BUSINESS = "business.sql"

app = commands()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty, or not there yet.")],
    packs: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="The company on other systems: `tryton`, `roundup`, `postgresql`, `robot`, `node-red`. Repeatable.",
        ),
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--template",
            help="Bring a process with all it needs: `procurement`, `support`, `onboarding`, `reconciliation`, "
            "`maintenance`, `planning`. Repeatable.",
        ),
    ] = None,
    with_business: Annotated[
        bool, typer.Option("--with-business", help=f"Also write the business database's schema, `{BUSINESS}`.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a starter organisation into a folder.

    A small company in commented files: units, roles, people, agents, tools, budgets, policies and their tests, and
    the JSON Schemas by which editors complete and check them.

    \b
      autonomy init org
      autonomy init org --with tryton --with roundup
      autonomy init org --template support
    """
    check_empty(folder)
    files = starter.organisation(packs or (), templates or ())
    files |= {f"{SCHEMAS}/{name}": text for name, text in documents().items()}
    if with_business:
        files[BUSINESS] = starter.business_schema()
    write(folder, files)
    if as_json:
        show_json({"folder": str(folder), "files": sorted(files)})
        return
    say(f"{len(files)} files are in `{folder}`; begin with `{folder / 'README.md'}`")
    say(f"`autonomy policy test {folder}` runs its tests, `autonomy up --org {folder}` starts it")


def check_empty(folder: Path) -> None:
    """Raise Conflict (`folder.not_empty`) where something lies in `folder`: nothing of anybody's is overwritten."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise Conflict(f"`{folder}` is not empty", code="folder.not_empty", hint="name a new folder")
