"""`autonomy plan`, `apply`, `pull`, `changes`, `rollback`: the organisation as files, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from autonomy.catalog.export import state
from autonomy.catalog.files import collect, write
from autonomy.catalog.manifest import STATE

from .asking import confirm
from .connect import connected
from .options import AsJson, Limit, Url, Yes, commands
from .pulling import pull_into
from .screen import heading, say, show_json, table, working
from .words import cell, moment

app = commands()

Folder = Annotated[Path, typer.Argument(help="The organisation's folder, or one file of it.")]
Retire = Annotated[bool, typer.Option("--retire", help="Retire what the folder's scope no longer declares.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why; it goes on record.")]


@app.command()
def plan(folder: Folder, retire: Retire = False, url: Url = None, as_json: AsJson = False) -> None:
    """Show what applying a folder would change.

    Ends with 1 where somebody else has changed the same, or where the result could not go live.

    \b
      autonomy plan org
    """
    with connected(url) as client, working("planning"):
        found = client.plan(collect(folder), retire)
    if as_json:
        show_json(found)
    else:
        _show_plan(found)
    if found["conflicts"]:
        raise typer.Exit(1)


@app.command()
def apply(
    folder: Folder,
    retire: Retire = False,
    message: Message = "",
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a folder the organisation, all of it or nothing.

    Retiring asks first on a terminal. What folder and server have agreed on is noted in the folder, so that the next
    apply sees what somebody else has changed meanwhile.

    \b
      autonomy apply org --message "raise the limits of the buyers"
    """
    files = collect(folder)
    with connected(url) as client:
        if retire:
            _confirm_retiring(client.plan(files, retire), yes)
        with working("applying"):
            found = client.apply(files, message, retire)
    if folder.is_dir():
        write(folder, {STATE: state(found["plan"]["agreed"])})
    if as_json:
        show_json(found)
    elif found["change"] is None:
        say("nothing differs; nothing was changed")
    else:
        say(f"epoch {found['change']['epoch']}: {found['change']['summary']}", "green")


@app.command()
def pull(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one that was pulled before.")],
    scope: Annotated[
        str | None, typer.Option(help="Which scope; by default the folder's own, else the root unit's.")
    ] = None,
    note_only: Annotated[
        bool, typer.Option("--note-only", help="Only note what the server has: the next apply goes over it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also undo what was edited in the folder and not applied.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write the organisation into a folder.

    One file for each object. A file that says the same is left as it is, with its comments, and so is what the server
    never had; what was edited and not applied is not undone without `--force`. In a folder that arranges its objects
    otherwise nothing is written but, with `--note-only`, the note of what the server has.

    \b
      autonomy pull copy-of-org
    """
    with connected(url) as client:
        pulled = pull_into(folder, client, scope, note_only, force)
    if as_json:
        show_json({"folder": str(folder), "written": pulled.written, "removed": pulled.removed})
    else:
        say(f"{len(pulled.written)} files written to `{folder}`, {len(pulled.removed)} removed")


@app.command()
def changes(limit: Limit = 20, url: Url = None, as_json: AsJson = False) -> None:
    """List the changes of the organisation, newest first.

    \b
      autonomy changes
    """
    with connected(url) as client:
        found = [one for one, _ in zip(client.changes(), range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = ([one["epoch"], moment(one["at"]), one["by"], one["summary"], one["message"]] for one in found)
    table(["EPOCH", "AT", "BY", "WHAT", "WHY"], rows, "nothing was ever declared")


@app.command()
def rollback(
    epoch: Annotated[int, typer.Argument(min=0, help="As `autonomy changes` lists it.")],
    message: Message = "",
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Declare again what an earlier epoch declared.

    It is a new change: nothing that happened is undone or hidden.

    \b
      autonomy rollback 1 --message "the new limits were too low"
    """
    confirm(f"Declare again what epoch {epoch} declared?", yes)
    with connected(url) as client, working("rolling back"):
        found = client.rollback(epoch, message)
    if as_json:
        show_json(found)
    elif found["change"] is None:
        say(f"nothing differs from epoch {epoch}")
    else:
        say(f"epoch {found['change']['epoch']}: {found['change']['summary']}", "green")


def _confirm_retiring(found: Mapping[str, Any], yes: bool) -> None:
    if found["absent"] and not found["conflicts"]:
        names = ", ".join(f"{one['kind']} `{one['name']}`" for one in found["absent"])
        confirm(f"Retire {names}?", yes)


def _show_plan(found: Mapping[str, Any]) -> None:
    say(f"{found['summary']}, {found['unchanged']} unchanged, on top of epoch {found['epoch']}", "bold")
    for one in found["added"]:
        say(f"+ {one['kind']} {one['name']}", "green")
    for one in found["changed"]:
        say(f"~ {one['kind']} {one['name']}", "yellow")
        for difference in one["differences"]:
            say(f"    {difference['path']}: {cell(difference['before'])} -> {cell(difference['after'])}")
    for one in found["absent"]:
        mark = "-" if found["retire"] else "="
        say(f"{mark} {one['kind']} {one['name']}", "red" if found["retire"] else "")
    if found["absent"] and not found["retire"]:
        say("objects marked = are on the server only; `--retire` retires them")
    if found["conflicts"]:
        heading("Conflicts: nothing can be applied before they are settled")
        for one in found["conflicts"]:
            say(f"! {one['kind']} {one['name']} {one['reason']}; {one['hint']}", "red")
