"""SQL databases: declared statements with bound parameters, all of a call in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from autonomy.catalog.model import Call, SqlConnector, Statement
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from ..attempt import Abandoned, Attempt
from ..credential import Credential
from ..database_url import PostgresDatabase, SqliteFile, dialect_of, read_url
from ..errors import Refused, Stale, Unreachable, Unsure
from ..model import Invocation, Result
from ..outbound import Outbound
from ..statements import Parsed, parse, require_read
from ..workers import Workers
from .pool import Mode, Pool
from .sessions import Rows, Session, late
from .sqlite import UNFINISHED, SqliteSession, finish
from .values import as_rows

THREADS = 8  # of one connector; also the most connections it holds open


class SqlConnection:
    """One business database. Reads go over connections that cannot write."""

    def __init__(self, name: str, spec: SqlConnector, outbound: Outbound) -> None:
        self._spec = spec
        self._outbound = outbound
        self._timeout = clock.duration(spec.timeout) / 1000
        self._dialect = dialect_of(spec.url)
        self._parsed: dict[str, Parsed] = {}
        self._pool = Pool()
        self._writing = asyncio.Lock()
        self._workers = Workers(f"sql-{name}", THREADS)

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """`{"rows": […]}` for a read; `{"changed": n}` for a write, with `rows` where its last statement has any."""
        if call.statements is None:
            raise Invalid("the tool declares no statements", code="call.mismatch")
        credential = await self._outbound.credential(self._spec.credential)
        named = {**arguments, "action_id": invocation.action_id, "agent": invocation.agent}
        work = partial(self._transact, call.statements, named, attempt, credential)
        if not attempt.write or self._dialect != "sqlite":
            return await self._workers.run(work)
        # SQLite has one writer at a time and lets who waits for it starve: our own stand in line, in no thread.
        async with self._writing:
            return await self._workers.run(work)

    async def close(self) -> None:
        self._workers.close()
        self._pool.close()

    def _transact(
        self, declared: Sequence[Statement], named: Mapping[str, Json], attempt: Attempt, credential: Credential | None
    ) -> Result:
        statements = [self._read(statement.sql, attempt.write) for statement in declared]
        parameters = _bound(statements, named)
        mode = Mode(attempt.write, credential.version if credential else 0)
        session = self._begin(mode, attempt, credential)
        try:
            value = self._perform(session, declared, statements, parameters)
            if attempt.write:
                attempt.commit()
                session.commit()
        except Abandoned:
            self._undo(session, mode)
            raise late() from None
        except Unsure:
            session.close()
            raise
        except BaseException:
            self._undo(session, mode)
            raise
        if attempt.write:
            self._pool.give_back(mode, session)
        else:
            self._undo(session, mode)
        return Result(value)

    def _perform(
        self,
        session: Session,
        declared: Sequence[Statement],
        statements: Sequence[Parsed],
        parameters: Mapping[str, Json],
    ) -> Json:
        last, changed = Rows((), (), 0), 0
        for statement, parsed in zip(declared, statements, strict=True):
            last = session.execute(parsed, parameters, self._spec.maxRows)
            if statement.expectRows is not None and last.touched != statement.expectRows:
                raise Stale(
                    f"{last.touched} rows match where {statement.expectRows} must; everything was undone",
                    hint="read the record again and decide anew",
                )
            changed += 0 if parsed.kind == "select" else last.touched
        return _value(last, changed, any(parsed.kind != "select" for parsed in statements))

    def _read(self, sql: str, write: bool) -> Parsed:
        parsed = self._parsed.get(sql)
        if parsed is None:
            parsed = self._parsed[sql] = parse(sql, self._dialect)
        if not write:
            require_read(parsed)
        return parsed

    def _begin(self, mode: Mode, attempt: Attempt, credential: Credential | None) -> Session:
        """A connection with an open transaction. One that went stale while it was idle is replaced, once; what a dead
        writer left half done in a file is undone first."""
        seconds = min(self._timeout, attempt.seconds_left)
        if seconds <= 0 or attempt.is_abandoned:
            raise late()
        kept = self._pool.take(mode)
        if kept is not None:
            try:
                return _begun(kept, seconds, attempt)
            except Unreachable as error:
                if error.code not in ("upstream.unreachable", UNFINISHED):
                    raise
        try:
            return _begun(self._open(attempt.write, credential, seconds), seconds, attempt)
        except Unreachable as error:
            if error.code != UNFINISHED:
                raise
        if isinstance(place := self._place(), SqliteFile):
            finish(self._outbound.sqlite(place, True))
        return _begun(self._open(attempt.write, credential, seconds), seconds, attempt)

    def _open(self, write: bool, credential: Credential | None, seconds: float) -> Session:
        if isinstance(place := self._place(), SqliteFile):
            return SqliteSession(self._outbound.sqlite(place, write))
        # Loading the driver takes a fifth of a second; only processes with a PostgreSQL connector need it.
        from .postgres import PostgresSession  # noqa: PLC0415

        return PostgresSession(self._outbound.postgres(self._spec, credential, write, seconds))

    def _place(self) -> SqliteFile | PostgresDatabase | None:
        """Where the database is; None where its URL is a secret."""
        return read_url(self._spec.url, self._spec.socket) if self._spec.url else None

    def _undo(self, session: Session, mode: Mode) -> None:
        try:
            session.rollback()
        except (Refused, Unreachable):
            session.close()  # closing undoes what could not be rolled back
        else:
            self._pool.give_back(mode, session)


def _begun(session: Session, seconds: float, attempt: Attempt) -> Session:
    try:
        session.begin(seconds, attempt)
    except BaseException:
        session.close()
        raise
    return session


def _value(last: Rows, changed: int, wrote: bool) -> Json:
    rows = as_rows(last.columns, last.rows)
    if not wrote:
        return {"rows": rows}
    return {"changed": changed, "rows": rows} if last.columns else {"changed": changed}


def _bound(statements: Sequence[Parsed], named: Mapping[str, Json]) -> dict[str, Json]:
    """What the statements bind: one value for each name; an argument that was not given is NULL."""
    names = {name for parsed in statements for name in parsed.parameters}
    values = {name: named.get(name) for name in names}
    for name, value in values.items():
        if isinstance(value, (list, dict)):
            raise Invalid(
                f"the argument `{name}` must be one value", code="arguments.invalid", hint="send a text or a number"
            )
    return values
