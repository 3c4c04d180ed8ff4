"""`autonomy up` and `serve`: one process that is the whole control plane."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from autonomy.catalog import collect, read, starter
from autonomy.kernel.errors import Invalid
from autonomy.server import serve as serve_system
from autonomy.telemetry.logs import configure
from autonomy.wiring import Settings, System, open_system

from . import trial
from .options import AsJson, Log, Programs, commands
from .screen import json_lines, note, say

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
def up(
    org: Annotated[Path | None, typer.Option(help="An organisation's folder; a starter company without one.")] = None,
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
    """Start everything in one process, ready to be tried.

    Makes the data folder and its database, or brings them up to date. Where nothing is declared yet, declares the
    organisation in `--org`, or a starter company with a small business database, and says what to paste next. Ends on
    Ctrl-C.

    \b
      autonomy up
    """
    began = time.monotonic()
    given = {"data": data, "database": database, "host": host, "port": port, "url": url, "witness": witness}
    settings = _settings("warning", **given, programs=programs, site=site, log=log)
    system = open_system(settings)
    try:
        lines = prepare(system, org)
        serve_system(system, ready=lambda _: _announce(system, lines, time.monotonic() - began, as_json))
    finally:
        system.close()


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
    settings = _settings("info", **given, programs=programs, site=site, log=log)
    system = open_system(settings)
    try:
        lines = invite_admin(system, first_admin) if first_admin is not None else []
        serve_system(system, ready=lambda _: _announce(system, lines, None, as_json))
    finally:
        system.close()


def prepare(system: System, org: Path | None) -> list[str]:
    """Declare an organisation where there is none; returns the lines to paste next."""
    if system.catalog.organisation().epoch > 0:
        if org is not None:
            note(f"an organisation is declared already; `autonomy apply {org}` changes it")
        return invite_admin(system)
    if org is not None:
        system.catalog.apply(read(collect(org)), by="system", message="the first start")
        return invite_admin(system)
    trial.make_business(system.settings.data)
    system.catalog.apply(read(starter.organisation()), by="system", message="the starter company")
    return trial.equip(system).lines(system.settings.public_url, system.settings.witness_folder)


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
    trial.write_link(path, system.settings.public_url, system.identity.invite(chosen))
    return [f"autonomy login --link-file {shlex.quote(str(path))}"]


def _settings(usual: str, **given: Any) -> Settings:
    """The settings, with this process's log set up by them; `usual` is its level where none is said."""
    settings = Settings.from_environment(**given)
    configure(settings.log or usual, settings.log_format)
    return settings


def _announce(system: System, lines: list[str], seconds: float | None, as_json: bool) -> None:
    settings = system.settings
    if as_json:
        json_lines([{"url": settings.public_url, "data": str(settings.data), "lines": lines}])
        return
    took = "" if seconds is None else f" after {seconds:.1f} s"
    say(f"ready at {settings.public_url}{took}, data in {settings.data}; Ctrl-C ends it", "bold")
    if lines:
        say("paste into another terminal, line by line:" if len(lines) > 1 else "paste into another terminal:")
        say()
        say("\n".join(lines))
        say()
