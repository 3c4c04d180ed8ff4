"""Bringing a backup back: first its log is proved, then an empty database is filled, in one transaction."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import DBAPIError

from autonomy.audit.layout import MAX_CHECKPOINT_GAP, Row
from autonomy.audit.merkle import Frontier
from autonomy.audit.report import Report
from autonomy.audit.store import checkpoint, head, leaf, node
from autonomy.audit.verify import verify_database
from autonomy.audit.witness import NOTES, copies_in
from autonomy.db import Database, metadata
from autonomy.db.engine import unavailable
from autonomy.db.migrate import newest_revision, upgrade
from autonomy.kernel.errors import Conflict, Corrupt, Invalid
from autonomy.memory import index
from autonomy.wiring import Settings, log_signer

from .archive import PAGE, Archive, Progress
from .place import KEY_FILE, existing_key
from .private import write_private

_BEGIN = {"sqlite": ("BEGIN IMMEDIATE",), "postgresql": ("BEGIN", "SET LOCAL statement_timeout = 0")}


@dataclass(frozen=True, slots=True)
class Restored:
    """How many leaves came back, and whether a witness's copies vouched for them."""

    leaves: int
    witness: str


def restore_archive(
    archive: Archive, settings: Settings, progress: Progress, without_witness: bool = False
) -> Restored:
    """Fill the empty database of `settings` from a backup whose log is whole and not behind its witness.

    Raises Conflict (`restore.release`, `restore.not_empty`, `restore.behind_witness`, `restore.other_key`, and
    `restore.no_witness` unless `without_witness`), Invalid (`restore.no_key`), Corrupt (`restore.log`).
    """
    _check_release(archive)
    master = _key(archive, settings)
    report = prove(archive, master, settings.witness_folder)
    if report is not None and report.witness == "none given" and not without_witness:
        raise _unwitnessed(settings.witness_folder)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database.open(settings.database_url)
    try:
        upgrade(database)
        _fill(database, archive, progress)
    finally:
        database.close()
    if archive.key is not None and existing_key(settings) is None:
        write_private(settings.data / KEY_FILE, b64encode(master).decode("ascii") + "\n")
    return Restored(archive.header.size, report.witness if report is not None else "none given")


def prove(archive: Archive, master: bytes, witness: Path) -> Report | None:
    """Verify the log in the backup, with the witness's copies where there are any; None for a log never signed.

    Raises Conflict (`restore.behind_witness`) where the witness has seen more, Corrupt (`restore.log`) for any other
    fault, and where the tree beside the log is not that of its leaves.
    """
    walk = _Walk(archive)
    seen = list(copies_in(witness)) if witness.is_dir() and any(witness.glob(NOTES)) else None
    origin = archive.header.origin
    if origin is None:
        _check_never_signed(archive, seen is not None)
        walk.drain()
        report = None
    else:
        notes = (str(row["note"]) for row in archive.rows(checkpoint))
        key = log_signer(origin, master).verifier
        report = verify_database(walk.leaves(), notes, origin=origin, keys=[key], witness_copies=seen)
        _judge(report)
    walk.check()
    return report


class _Walk:
    """Reads the leaves once, and builds the tree that must stand beside them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._frontier = Frontier()
        self._nodes: list[tuple[int, int, bytes]] = []

    def leaves(self) -> Iterator[Row]:
        """Each leaf with its columns. Raises Corrupt for a leaf whose stored hash is not its own."""
        for row in self._archive.rows(leaf):
            hashed = sha256(b"\x00" + row["body"]).digest()
            if hashed != row["hash"]:
                raise _not_whole(f"the stored hash of leaf {row['idx']} is not its own")
            self._nodes += self._frontier.extend([hashed])
            yield row["idx"], row["body"], hashed, row["kind"], row["action"], row["at"]

    def drain(self) -> None:
        """Read all leaves where nothing else does."""
        for _ in self.leaves():
            pass

    def check(self) -> None:
        """Raise Corrupt unless head and nodes are those of the leaves."""
        heads = list(self._archive.rows(head))
        if len(heads) != 1 or heads[0]["frontier"] != self._frontier.encode():
            raise _not_whole("its head does not belong to its leaves")
        if self._archive.header.origin not in (None, heads[0]["origin"]):
            raise _not_whole("its checkpoints are of another log")
        stored = {(row["level"], row["idx"]): row["hash"] for row in self._archive.rows(node)}
        if stored != {(level, index): hashed for level, index, hashed in self._nodes}:
            raise _not_whole("its tree does not belong to its leaves")
        if heads[0]["size"] != self._archive.header.size:
            raise _not_whole("it does not hold as many leaves as it says")


def _check_never_signed(archive: Archive, is_witnessed: bool) -> None:
    """A log may go unsigned for its first moments only, and nobody can have witnessed it then."""
    if is_witnessed or archive.header.size > MAX_CHECKPOINT_GAP or archive.header.tables[checkpoint.name]:
        raise _not_whole("it was never signed")


def _judge(report: Report) -> None:
    behind = next((one for one in report.findings if one.code == "witness.truncated"), None)
    if behind is not None and all(one.code == "witness.truncated" for one in report.findings):
        raise Conflict(
            f"the log in this backup ends before the last checkpoint that was witnessed: {behind.message}",
            code="restore.behind_witness",
            hint="restore a newer backup; to accept the loss, keep the copies as evidence and say `--without-witness` "
            "with a new `--witness`",
        )
    if not report.ok:
        first = report.findings[0]
        raise _not_whole(f"{first.message} ({first.code}), {len(report.findings)} findings")


def _unwitnessed(folder: Path) -> Conflict:
    return Conflict(
        f"no witness's copies are in `{folder}`: nothing says that the backup is the newest",
        code="restore.no_witness",
        hint="name the folder of the copies with `--witness`; where there is none, say `--without-witness`",
    )


def _check_release(archive: Archive) -> None:
    wanted, present = archive.header.schema_revision, newest_revision()
    if wanted != present:
        raise Conflict(
            f"the backup is of schema `{wanted}`, this release has `{present}`",
            code="restore.release",
            hint=f"restore it with release {archive.header.release}, then upgrade",
        )
    if set(archive.header.tables) != set(metadata.tables):
        raise Invalid("the backup does not hold every table", code="backup.damaged", hint="use another one")


def _key(archive: Archive, settings: Settings) -> bytes:
    present, carried = existing_key(settings), archive.key
    if present is not None and carried is not None and present != carried:
        hint = f"move `{settings.data / KEY_FILE}` away, or restore into another folder"
        raise Conflict("the data folder has another master key", code="restore.other_key", hint=hint)
    found = present or carried
    if found is None:
        hint = f"put it at `{settings.data / KEY_FILE}` (mode 0600), or into AUTONOMY_KEY"
        raise Invalid("the master key is not in this backup", code="restore.no_key", hint=hint)
    return found


def _fill(database: Database, archive: Archive, progress: Progress) -> None:
    engine = database.writer_engine()
    try:
        with engine.connect() as connection:
            for statement in _BEGIN[database.dialect]:
                connection.exec_driver_sql(statement)
            try:
                _check_empty(connection)
                for table in metadata.sorted_tables:
                    rows, count = archive.rows(table), 0
                    while batch := list(islice(rows, PAGE)):
                        connection.execute(insert(table), batch)
                        count += len(batch)
                        progress(table.name, count)
                index.restore(connection)
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        raise unavailable(error.orig) from None
    finally:
        engine.dispose()


def _check_empty(connection: Connection) -> None:
    """Raise Conflict where anything was ever recorded; the head of an empty log makes room."""
    row = connection.execute(select(head)).one_or_none()
    if row is not None and (row.size or row.catalog or row.identity):
        raise Conflict(
            "the database holds a log already",
            code="restore.not_empty",
            hint="stop every server, move the old database away, then restore",
        )
    connection.execute(delete(head))


def _not_whole(why: str) -> Corrupt:
    return Corrupt(f"the log in this backup is not whole: {why}", code="restore.log", hint="use another backup")
