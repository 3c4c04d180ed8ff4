"""`autonomy up`: the whole control plane in one process, ready to be tried."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from autonomy.catalog import collect, read, starter
from autonomy.server import serve as serve_system
from autonomy.wiring import System, open_system

from . import trial
from .options import AsJson, Log, Programs, commands
from .screen import note
from .serve import Data, Database, Host, Port, Public, Site, Witness, announce, invite_admin, start_settings

app = commands()


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
    organisation in `--org`, or a starter company, and says what to paste next. Where the organisation has templates
    and works on the starter's business database, a small one is made, with their tables. Ends on Ctrl-C.

    \b
      autonomy up
    """
    began = time.monotonic()
    given = {"data": data, "database": database, "host": host, "port": port, "url": url, "witness": witness}
    settings = start_settings("warning", **given, programs=programs, site=site, log=log)
    system = open_system(settings)
    try:
        lines = prepare(system, org)
        serve_system(system, ready=lambda _: announce(system, lines, time.monotonic() - began, as_json))
    finally:
        system.close()


def prepare(system: System, org: Path | None) -> list[str]:
    """Declare an organisation where there is none; returns the lines to paste next."""
    if system.catalog.organisation().epoch > 0:
        if org is not None:
            note(f"an organisation is declared already; `autonomy apply {org}` changes it")
        return invite_admin(system)
    if org is not None:
        files = collect(org)
        system.catalog.apply(read(files), by="system", message="the first start")
        tables = trial.tables_of(org)
        if tables and trial.wants_business(files, system.settings.data):
            trial.make_business(system.settings.data, tables)
            note(f"the business database is made, with the tables of the templates in {org}")
        return invite_admin(system)
    trial.make_business(system.settings.data)
    system.catalog.apply(read(starter.organisation()), by="system", message="the starter company")
    return trial.equip(system).lines(system.settings.public_url, system.settings.witness_folder)
