"""What a doctor looks at, one thing after another; a thing that cannot be looked at fails and stops nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from autonomy.audit.merkle import Frontier
from autonomy.audit.store import checkpoint, leaf, read_head, read_origin, rows, stored_nodes
from autonomy.audit.verify import verify_database
from autonomy.audit.witness import NOTES, copies_in
from autonomy.db import Database
from autonomy.db.engine import unavailable
from autonomy.db.migrate import newest_revision, revision_of
from autonomy.kernel.clock import MINUTE, now, rfc3339
from autonomy.kernel.errors import AutonomyError
from autonomy.sdk import Client, Unreachable
from autonomy.wiring import Settings, log_signer

from .place import KEY_FILE, existing_database, existing_key, newest_note

State = Literal["ok", "warning", "fail"]

ENOUGH_BYTES = 1_073_741_824  # on the disk of the data folder: some days of a busy log
EARLIEST = 1_767_225_600_000  # ms: 2026-01-01; a clock before this has never been set


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its state, what was found, and what to do about it."""

    name: str
    state: State
    told: str
    mend: str = ""


Look = Callable[[Settings], Check]


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which to mend what fails."""
    return [_looked(name, look, settings) for name, look in _LOOKS]


def look_at_folder(settings: Settings) -> Check:
    """The data folder is there and closed to others."""
    if not settings.data.is_dir():
        return _failed("it is not there", "`autonomy up` makes it, or name another with `--data`")
    mode = settings.data.stat().st_mode & 0o777
    if mode & 0o077:
        return _failed(f"others may enter it (mode {mode:03o})", f"run `chmod 700 {settings.data}`")
    return _fine("closed to others")


def look_at_disk(settings: Settings) -> Check:
    """There is room for the log to grow."""
    free = shutil.disk_usage(settings.data).free
    told = f"{free / ENOUGH_BYTES:.1f} GiB free"
    return _fine(told) if free >= ENOUGH_BYTES else _warned(told, "make room: with a full disk everything is refused")


def look_at_key(settings: Settings) -> Check:
    """The master key is there, whole, and for its owner's eyes only."""
    if existing_key(settings) is None:
        return _failed(
            "it is not there", f"put it back at `{settings.data / KEY_FILE}`: nothing can be read without it"
        )
    return _fine("there, and for its owner only")


def look_at_database(settings: Settings) -> Check:
    """The database answers and takes writes."""
    with _opened(settings) as database:
        engine = database.writer_engine()
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if database.dialect == "sqlite" else "BEGIN")
                # The lock every write takes first; a read-only or standby database refuses it.
                connection.exec_driver_sql("UPDATE log_head SET id = id")
                connection.exec_driver_sql("ROLLBACK")
        finally:
            engine.dispose()
        return _fine(f"{database.dialect} takes writes")


def look_at_schema(settings: Settings) -> Check:
    """The schema is that of this release."""
    with _reading(settings) as connection:
        present = revision_of(connection)
    wanted = newest_revision()
    if present == wanted:
        return _fine(f"revision {present}")
    return _failed(f"revision {present}, this release has {wanted}", "start this release once, or use a newer one")


def look_at_clock(settings: Settings) -> Check:
    """The clock has been set, and is not behind what was recorded."""
    present = now()
    if present < EARLIEST:
        return _failed(f"it says {rfc3339(present)}", "set the clock: approvals and tokens would not expire")
    with _reading(settings) as connection:
        newest = connection.execute(select(leaf.c.at).order_by(leaf.c.idx.desc()).limit(1)).scalar_one_or_none()
    if newest is not None and newest > present + MINUTE:
        return _failed(
            f"the log's last leaf is of {rfc3339(newest)}, later than now", "set the clock, on every machine"
        )
    return _fine(rfc3339(present))


def look_at_log(settings: Settings) -> Check:
    """Every leaf is under the signed checkpoints, and the head is the end of them."""
    master = existing_key(settings)
    if master is None:
        return _failed("it cannot be checked without the master key", "mend that first")
    with _opened(settings) as database, database.snapshot() as connection:
        origin, head = read_origin(connection), Frontier.decode(read_head(connection)[1])
        keys = [log_signer(origin, master).verifier]
        signed = (text for (text,) in connection.execute(select(checkpoint.c.note).order_by(checkpoint.c.size)))
        report = verify_database(
            *(rows(connection), signed), origin=origin, keys=keys, fast=True, head=head, nodes=stored_nodes(connection)
        )
    if not report.ok:
        return _failed(f"it is not whole: {report.findings[0].message}", "stop the server; keep everything as evidence")
    if report.checkpoints == 0:
        told = f"{report.size} leaves, none signed"
        return _warned(told, _START) if report.size else _fine(told)
    return _fine(f"{report.size} leaves, whole, under {report.checkpoints} checkpoints")


def look_at_witness(settings: Settings) -> Check:
    """Copies of checkpoints go somewhere, and agree with the log."""
    folder, master = settings.witness_folder, existing_key(settings)
    if not folder.is_dir() or not any(folder.glob(NOTES)):
        return _warned(f"no copies in `{folder}`", "the server writes them; name its folder with `--witness`")
    if not _writable(settings):
        return _failed(f"`{folder}` takes no files", "let the server's user write there")
    if master is None:
        return _failed("its copies cannot be checked without the master key", "mend that first")
    problem = _disagreement(settings, master)
    if problem:
        return _failed(problem, "stop the server; keep both as evidence")
    if folder.resolve().is_relative_to(settings.data.resolve()):
        return _warned("agrees, but lies in the data folder", "name one elsewhere with `--witness`, out of reach")
    return _fine("agrees with the log")


def look_at_server(settings: Settings) -> Check:
    """A server answers and is ready."""
    try:
        epoch = Client(settings.public_url).ready()["epoch"]
    except Unreachable:
        return _warned(f"none answers at {settings.public_url}", _START)
    return _fine(f"ready at {settings.public_url}, epoch {epoch}")


_START = "start it with `autonomy up` or `autonomy serve`"

_LOOKS: tuple[tuple[str, Look], ...] = (
    ("data folder", look_at_folder),
    ("disk", look_at_disk),
    ("master key", look_at_key),
    ("database", look_at_database),
    ("schema", look_at_schema),
    ("clock", look_at_clock),
    ("log", look_at_log),
    ("witness", look_at_witness),
    ("server", look_at_server),
)


def _looked(name: str, look: Look, settings: Settings) -> Check:
    try:
        found = look(settings)
    except AutonomyError as error:
        return Check(name, "fail", error.message, error.hint)
    except DBAPIError as error:
        return Check(
            name, "fail", unavailable(error.orig).message, "see whether its disk, server and schema are in order"
        )
    except (TypeError, ValueError):
        # A database does not promise that a cell still has the type it was written with.
        return Check(name, "fail", "what is stored is not what was written", "restore a backup; keep this as evidence")
    except OSError as error:
        return Check(name, "fail", (error.strerror or "it cannot be looked at").lower(), "let this user read it")
    return Check(name, found.state, found.told, found.mend)


def _disagreement(settings: Settings, master: bytes) -> str:
    """Why the witness's copies and the log are not of one history; empty where they are."""
    with _reading(settings) as connection:
        if newest_note(connection) is None:
            return "it has copies of a log that was never signed"
        origin = read_origin(connection)
        report = verify_database(
            rows(connection),
            (),
            origin=origin,
            keys=[log_signer(origin, master).verifier],
            witness_copies=copies_in(settings.witness_folder),
            fast=True,
        )
    return next((one.message for one in report.findings if one.code.startswith("witness.")), "")


def _writable(settings: Settings) -> bool:
    try:
        with tempfile.TemporaryFile(dir=settings.witness_folder):
            return True
    except OSError:
        return False


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = existing_database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _reading(settings: Settings) -> Iterator[Connection]:
    with _opened(settings) as database, database.reading() as connection:
        yield connection


def _fine(told: str) -> Check:
    return Check("", "ok", told)


def _warned(told: str, mend: str) -> Check:
    return Check("", "warning", told, mend)


def _failed(told: str, mend: str) -> Check:
    return Check("", "fail", told, mend)
