"""The post that is DBOS: a queue in tables of its own (schema `dbos`) of the same PostgreSQL, read by every worker.

Loaded only where AUTONOMY_ENGINE says so: it is an extra. An offer is a workflow of DBOS of no steps, which ends once
its command is claimed or was somebody else's. What is used of it is public: `enqueue_in_transaction`, a registered
queue, `list_workflows`, `delete_workflows`. Of a dead worker's offers it is asked nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, Serializer
from sqlalchemy import URL, Connection, Engine, create_engine

from autonomy.db import Database
from autonomy.db.engine import POSTGRESQL_CONNECTION
from autonomy.kernel.errors import Invalid

from .ports import Offer, Take

APPLICATION = "autonomy"
VERSION = "autonomy-offers-1"  # DBOS hands out only what was enqueued under its own version; it is ours to move
WORKFLOW = "autonomy.deliver"
QUEUE = "autonomy-commands"
THREADS = 16  # that claim; carrying out is not theirs
POLL_SECONDS = 0.05
TAKE_SECONDS = 60.0  # after which an offer is given back to the sweep
KEPT_SECONDS = 600.0  # of offers that were handed out
BATCH = 1_000

log = logging.getLogger("autonomy.workflow")


class _Json(Serializer):
    """What DBOS stores, as JSON: as it would be by itself, who can write into the database could run code here."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "autonomy_json"


class DbosPost:
    """Offers through DBOS, for the process that rows call `owner`."""

    def __init__(self, database: Database, owner: str) -> None:
        _quiet()
        self._owner = owner
        self._engine = create_engine(
            database.url, pool_size=4, pool_pre_ping=True, hide_parameters=True, connect_args=POSTGRESQL_CONNECTION
        )
        DBOS.migrate(database.url.render_as_string(hide_password=False))
        self._client = _client(self._engine)
        self._putting: DBOSClient | None = None
        self._writer: Engine | None = None

    def put(self, connection: Connection, offers: Sequence[Offer]) -> None:
        client, now = self._client_of(connection), time.time()
        for one in offers:
            options = EnqueueOptions(
                workflow_name=WORKFLOW,
                queue_name=QUEUE,
                workflow_id=_id_of(one),
                app_version=VERSION,
                priority=one.priority + 1,
            )
            if (wait := one.due / 1_000 - now) > 0:
                options["delay_seconds"] = wait
            client.enqueue_in_transaction(connection, options, one.command, one.due)

    def open(self, take: Take, loop: AbstractEventLoop) -> None:
        _hall.join(self._owner, self._engine, take, loop)

    def close(self) -> None:
        _hall.leave(self._owner)
        for client in (self._client, self._putting):
            if client is not None:
                client.destroy()
        self._engine.dispose()

    def waiting(self, offers: Sequence[Offer]) -> set[Offer]:
        by_id = {_id_of(one): one for one in offers}
        found = self._client.list_workflows(
            workflow_ids=list(by_id), status=["ENQUEUED", "DELAYED"], load_input=False, load_output=False
        )
        return {by_id[status.workflow_id] for status in found}

    def tidy(self) -> None:
        before = datetime.fromtimestamp(time.time() - KEPT_SECONDS, UTC).isoformat()
        while True:
            old = self._client.list_workflows(
                status=["SUCCESS", "ERROR", "CANCELLED", "PENDING"],
                queue_name=QUEUE,
                end_time=before,
                limit=BATCH,
                load_input=False,
                load_output=False,
            )
            self._client.delete_workflows([status.workflow_id for status in old])
            if len(old) < BATCH:
                return

    def _client_of(self, connection: Connection) -> DBOSClient:
        """The client whose statements are compiled for this connection's engine: others are compiled each time."""
        if self._putting is None or self._writer is not connection.engine:
            self._writer = connection.engine
            self._putting = _client(self._writer)
        return self._putting


class _Hall:
    """Where offers arrive: DBOS is one for each process, whoever lives in it takes in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gone: set[str] = set()
        self._url: URL | None = None
        self._takers: dict[str, tuple[Take, AbstractEventLoop]] = {}

    def join(self, owner: str, engine: Engine, take: Take, loop: AbstractEventLoop) -> None:
        with self._lock:
            if owner in self._gone:  # it was told to stop while it was about to begin
                return
            first = not self._takers
            if not first and engine.url != self._url:
                raise Invalid("a process takes offers of one database", code="workflow.engine")
            self._url = engine.url
            self._takers[owner] = take, loop
            if first:
                _launch(owner, engine)

    def leave(self, owner: str) -> None:
        with self._lock:
            self._gone.add(owner)
            if self._takers.pop(owner, None) is not None and not self._takers:
                DBOS.destroy()

    def deliver(self, command: str, due: int) -> None:
        """Hand an offer to one of those who live here. Where nobody does any more, it is lost, and a sweep sees."""
        for owner, (take, loop) in list(self._takers.items())[:1]:
            with self._lock:
                if owner in self._takers:
                    self._takers[owner] = self._takers.pop(owner)  # the next one is another's
            asyncio.run_coroutine_threadsafe(_awaited(take, command, due), loop).result(TAKE_SECONDS)


_hall = _Hall()


@DBOS.workflow(name=WORKFLOW)
def _deliver(command: str, due: int) -> None:
    _hall.deliver(command, due)


async def _awaited(take: Take, command: str, due: int) -> None:
    await take(command, due)


def _launch(owner: str, engine: Engine) -> None:
    config = DBOSConfig(
        name=APPLICATION,
        system_database_engine=engine,
        application_version=VERSION,
        executor_id=owner,
        max_executor_threads=THREADS,
        serializer=_Json(),
        run_migrations=False,
        enable_otlp=False,
        log_level="WARNING",
    )
    DBOS(config=config)
    DBOS.listen_queues([QUEUE])
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=THREADS, polling_interval_sec=POLL_SECONDS)


def _client(engine: Engine) -> DBOSClient:
    return DBOSClient(
        system_database_engine=engine,
        application_name=APPLICATION,
        serializer=_Json(),
        lazy=True,
        retry_connection_errors=False,
    )


def _id_of(offer: Offer) -> str:
    """A command is due at another time whenever it is freed: that is its attempt, as DBOS knows it."""
    return f"{offer.command}:{offer.due}"


def _quiet() -> None:
    """Let DBOS speak through the log of this process, at the level the log has for libraries."""
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(logging.NullHandler())  # it adds one of its own where there is none
    logger.propagate = True
