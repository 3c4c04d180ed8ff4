"""`autonomy serve`: one process of a control plane. It stays running, so that what it loads is kept small."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from autonomy.kernel.allocator import share_arenas
from autonomy.kernel.errors import Invalid
from autonomy.server import serve as serve_system
from autonomy.telemetry.logs import configure
from autonomy.wiring import Settings, System, open_system

from .options import AsJson, Log, Programs, commands
from .private import write_link
from .screen import json_lines, say

app = commands()

ADMIN_LINK = "admin.link"

Data = Annotated[Path | None, typer.Option(help="The data folder; by default `autonomy-data`.")]
Database = Annotated[str | None, typer.Option(help="A database URL; by default SQLite in the data folder.")]
Host = Annotated[str | None, typer.Option(help="Where to listen; by default this machine only.")]
Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="By default 8085.")]
Public = Annotated[str | None, typer.Option("--url", help="How clients reach it, where that is not HOST:PORT.")]
Witness = Annotated[Path | None, typer.Option(help="Where copies of checkpoints go, out of this server's reach.")]
Site = Annotated[str | None, typer.Option(help="Where this process is: connectors of this site perform in it.")]


@app.command()
def serve(
    first_admin: Annotated[
        str | None, typer.Option(help="Make this person a one-time link, where no administrator has a password yet.")
    ] = None,
    data: Data = None,
    database: Database = None,
    host: Host = None,
    port: Port = None,
    url: Public = None,
    witness: Witness = None,
    programs: Programs = None,
    site: Site = None,
    log: Log = None,
    as_json: AsJson = False,
) -> None:
    """Serve an organisation that is there already.

    Any number of these may serve one PostgreSQL database; they share its master key by `AUTONOMY_KEY`. Ends on Ctrl-C
    or SIGTERM, after what is under way.

    \b
      autonomy serve
    """
    given = {"data": data, "database": database, "host": host, "port": port, "url": url, "witness": witness}
    settings = start_settings("info", **given, programs=programs, site=site, log=log)
    system = open_system(settings)
    try:
        lines = invite_admin(system, first_admin) if first_admin is not None else []
        serve_system(system, ready=lambda _: announce(system, lines, None, as_json))
    finally:
        system.close()


def invite_admin(system: System, name: str | None = None) -> list[str]:
    """A one-time link for an administrator, where none has a password yet; returns the line that uses it.

    Raises Invalid (`up.no_admin`) where people are declared and none of them administers.
    """
    people = [person for person in system.identity.people() if person.state == "active"]
    admins = [person for person in people if "admin" in person.access]
    if any(person.has_password for person in admins):
        return []
    if people and not admins:
        raise Invalid(
            "nobody is declared who administers this", code="up.no_admin", hint="give somebody `access: [admin]`"
        )
    chosen = name or (admins[0].name if admins else "admin")
    path = system.settings.data / ADMIN_LINK
    write_link(path, system.settings.public_url, system.identity.invite(chosen))
    return [f"autonomy login --link-file {shlex.quote(str(path))}"]


def start_settings(usual: str, **given: Any) -> Settings:
    """The settings, with this process's memory and log set up; `usual` is the log's level where none is said."""
    share_arenas()
    settings = Settings.from_environment(**given)
    configure(settings.log or usual, settings.log_format)
    return settings


def announce(system: System, lines: list[str], seconds: float | None, as_json: bool) -> None:
    """Say where it is, and what to paste next; `seconds` is how long it took, where that matters."""
    settings = system.settings
    if as_json:
        json_lines([{"url": settings.public_url, "data": str(settings.data), "lines": lines}])
        return
    took = "" if seconds is None else f" after {seconds:.1f} s"
    say(f"ready at {settings.public_url}{took}, data in {settings.data}; Ctrl-C ends it", "bold")
    say(f"the console for people: {settings.public_url}/")
    if lines:
        say("paste into another terminal, line by line:" if len(lines) > 1 else "paste into another terminal:")
        say()
        say("\n".join(lines))
        say()
