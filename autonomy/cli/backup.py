"""`autonomy backup` and `restore`: the whole database in one file, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from autonomy.audit import note
from autonomy.audit.store import read_head
from autonomy.db import Database, metadata
from autonomy.db.engine import unavailable
from autonomy.db.migrate import newest_revision, revision_of
from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict, Invalid

from .archive import FORMAT, Archive, Header, Progress, write_archive
from .options import AsJson, commands
from .place import (
    KEY_FILE,
    Data,
    DatabaseUrl,
    Witness,
    existing_database,
    existing_key,
    newest_note,
    settings_of,
)
from .restoring import restore_archive
from .screen import say, show_json

app = commands()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the master key in: whoever has the file can then read everything.")
    ] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Save the database, and the log with it, into one file, while servers run.

    What it holds is of one moment. The master key is left out: keep it apart, nothing can be read without it. A subject
    that is erased later is still in this file for whoever has the key. Business systems are not part of it.

    \b
      autonomy backup autonomy.backup
    """
    settings = settings_of(data=data, database=database)
    store = existing_database(settings)
    key = existing_key(settings) if with_keys else None
    if with_keys and key is None:
        raise Invalid("there is no master key to put in", code="key.missing", hint="name the data folder with `--data`")
    try:
        header = _save(store, file, key)
    except DBAPIError as error:
        raise unavailable(error.orig) from None
    finally:
        store.close()
    if as_json:
        show_json({"file": str(file), "with_keys": with_keys, **header.model_dump(exclude={"columns"})})
        return
    say(f"{sum(header.tables.values()):,} rows and {header.size:,} leaves of the log are in `{file}`")
    if not with_keys:
        say(f"it cannot be read without the master key (`{settings.data / KEY_FILE}` or AUTONOMY_KEY): keep that apart")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    data: Data = None,
    database: DatabaseUrl = None,
    witness: Witness = None,
    without_witness: Annotated[
        bool, typer.Option("--without-witness", help="Accept that no copies say whether the backup is the newest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring back what `backup` saved, if its log is whole, into an empty database of either kind.

    First the log in it is proved: every leaf, every signature, and that it goes on from the last checkpoint the witness
    has seen. A backup that is older is refused, for what happened since would be gone without a trace; and so is one
    for which no copies are found, unless you accept that.

    \b
      autonomy restore autonomy.backup --data restored --witness autonomy-data/witness
    """
    settings = settings_of(data=data, database=database, witness=witness)
    archive = Archive(file)
    try:
        with _progress("restoring") as progress:
            found = restore_archive(archive, settings, progress, without_witness)
    finally:
        archive.close()
    if as_json:
        show_json(asdict(found))
        return
    say(f"restored, and the log is whole: {found.leaves:,} leaves", "green")
    if found.witness == "none given":
        say("no witness's copies were found: nothing says that this is the newest backup", "yellow")


def _save(store: Database, file: Path, key: bytes | None) -> Header:
    with store.snapshot() as connection, _progress("saving") as progress:
        revision = revision_of(connection)
        if revision != newest_revision():
            raise Conflict(
                f"the database is of schema `{revision}`, this release has `{newest_revision()}`",
                code="backup.release",
                hint="start this release once, or back up with the other",
            )

        def make(**counted: Any) -> Header:
            return _header(connection, store.dialect, counted)

        return write_archive(file, connection, metadata.sorted_tables, make, key, progress)


def _header(connection: Connection, dialect: str, counted: dict[str, Any]) -> Header:
    newest = newest_note(connection)
    return Header(
        format=FORMAT,
        release=version("autonomy-os"),
        schema_revision=newest_revision(),
        made_at=now(),
        dialect=dialect,
        origin=None if newest is None else note.read(newest).checkpoint().origin,
        size=read_head(connection)[0],
        **counted,
    )


@contextmanager
def _progress(words: str) -> Iterator[Progress]:
    """Shows which table is under way, on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _table, _count: None
        return
    with console.status(words) as status:
        yield lambda table, count: status.update(f"{words} {table}: {count:,} rows")
