"""The file of a backup, `autonomy-backup/1`: every row of every table, the same for SQLite and PostgreSQL.

A ZIP archive with `rows/TABLE.jsonl` (one JSON array a row, its columns in the order `columns` names them, bytes in
base64), `backup.json` and, where it was asked for, `master.key`.
"""

from __future__ import annotations

import json
import os
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Column, Connection, LargeBinary, Table, select, tuple_

from autonomy.kernel.errors import Conflict, Invalid, NotFound

FORMAT = "autonomy-backup/1"
HEADER, KEY = "backup.json", "master.key"
PAGE = 2_000  # rows in memory at once
MAX_HEADER = 1_048_576  # bytes

Progress = Callable[[str, int], None]
"""Told the table and how many of its rows are done."""


class Header(BaseModel):
    """What a backup holds. `origin` names its log and `size` counts its leaves; the log itself must agree."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str
    release: str
    schema_revision: str
    made_at: int
    dialect: str
    origin: str | None
    size: int
    tables: dict[str, int]
    columns: dict[str, list[str]]


def write_archive(
    path: Path,
    connection: Connection,
    tables: Sequence[Table],
    make: Callable[..., Header],
    key: bytes | None,
    progress: Progress,
) -> Header:
    """Write the rows of `tables`, as `connection` sees them, to `path`, which only its owner can read.

    `make` is handed `tables` and `columns` and returns the header. All of the file or none of it; raises Conflict
    (`backup.exists`) where there is one already, NotFound where its folder is not there.
    """
    if path.exists():
        raise Conflict(f"`{path}` is there already", code="backup.exists", hint="name a new file")
    if not path.parent.is_dir():
        raise NotFound(f"there is no folder `{path.parent}`", code="file.place")
    draft = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                counts = {table.name: _write_rows(archive, connection, table, progress) for table in tables}
                header = make(tables=counts, columns={table.name: table.columns.keys() for table in tables})
                archive.writestr(HEADER, header.model_dump_json(indent=1))
                if key is not None:
                    archive.writestr(KEY, b64encode(key))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return header


class Archive:
    """A backup that is read. Raises Invalid (`backup.damaged`, `backup.format`) for what is none."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFound(f"there is no file `{path}`", code="file.unknown")
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise _damaged(path.name) from None
        self.header = self._header()

    @property
    def key(self) -> bytes | None:
        """The master key, where the backup holds it."""
        return b64decode(self._zip.read(KEY)) if KEY in self._zip.namelist() else None

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """The rows of a table by column, in the order of its primary key."""
        columns = [table.columns[name] for name in self.header.columns[table.name]]
        count = 0
        try:
            with self._zip.open(_member(table)) as lines:
                for line in lines:
                    yield {
                        column.name: _read(column, value)
                        for column, value in zip(columns, json.loads(line), strict=True)
                    }
                    count += 1
        except (KeyError, ValueError, zipfile.BadZipFile):
            raise _damaged(_member(table)) from None
        if count != self.header.tables[table.name]:
            raise _damaged(_member(table))

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _header(self) -> Header:
        try:
            if self._zip.getinfo(HEADER).file_size > MAX_HEADER:
                raise _damaged(HEADER)
            header = Header.model_validate_json(self._zip.read(HEADER))
        except (KeyError, ValidationError, zipfile.BadZipFile):
            raise _damaged(HEADER) from None
        if header.format != FORMAT:
            raise Invalid(
                f"the format `{header.format[:40]}` is not known here", code="backup.format", hint=f"`{FORMAT}` is"
            )
        return header


def _write_rows(archive: zipfile.ZipFile, connection: Connection, table: Table, progress: Progress) -> int:
    count = 0
    with archive.open(_member(table), "w", force_zip64=True) as lines:
        for row in pages(connection, table):
            lines.write(json.dumps([_written(value) for value in row], separators=(",", ":")).encode() + b"\n")
            count += 1
            if count % PAGE == 0:
                progress(table.name, count)
    return count


def pages(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Every row in the order of the primary key, read a page at a time."""
    key = list(table.primary_key.columns)
    places = [table.columns.keys().index(column.name) for column in key]
    query, last = select(table).order_by(*key).limit(PAGE), None
    while True:
        wanted = query if last is None else query.where(tuple_(*key) > tuple_(*[last[place] for place in places]))
        found = connection.execute(wanted).all()
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1]


def _written(value: Any) -> Any:
    return b64encode(value).decode("ascii") if isinstance(value, bytes | memoryview) else value


def _read(column: Column[Any], value: Any) -> Any:
    return b64decode(value, validate=True) if isinstance(column.type, LargeBinary) and value is not None else value


def _member(table: Table) -> str:
    return f"rows/{table.name}.jsonl"


def _damaged(part: str) -> Invalid:
    return Invalid(f"the backup is damaged at `{part}`", code="backup.damaged", hint="use another one")
