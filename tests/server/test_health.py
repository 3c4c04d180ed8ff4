"""Alive and ready are two things, and what is not ready says which part of it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autonomy.cli.examination import look_at_server
from autonomy.db import Database
from autonomy.kernel.errors import Unavailable
from autonomy.server.readiness import READY_SECONDS
from tests.audit.test_continuity import rewrite
from tests.server.desk import Desk, desk

CHECKS = ["process", "store", "log", "organisation", "runs"]

PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from autonomy.server import serve
from autonomy.wiring import Settings, open_system
system = open_system(replace(Settings(), data=Path(sys.argv[1]), drain_seconds=3))
serve(system, port=0, ready=lambda url: print(url, flush=True))
"""


@contextmanager
def unwritable(database: Database) -> Iterator[None]:
    """Somebody else holds the lock that every write takes first."""
    engine = database.writer_engine()
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if database.dialect == "sqlite" else "BEGIN")
        connection.exec_driver_sql("UPDATE log_head SET id = id")
        yield
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()


def test_a_server_that_works_says_so_check_by_check(office: Desk) -> None:
    found = office.stranger.get("/readyz")
    assert found.status == 200
    assert found.json == {"status": "ready", "epoch": 1, "checks": dict.fromkeys(CHECKS, "ok")}
    assert office.stranger.get("/healthz").json == {"status": "alive"}


def test_a_store_that_takes_no_writes_is_named_in_time_while_the_process_is_alive(office: Desk) -> None:
    with unwritable(office.system.database):
        while office.system.lifeline.silent_seconds < 1.6:
            assert office.stranger.get("/healthz").status == 200
        began = time.monotonic()
        found = office.stranger.get("/readyz")
        took = time.monotonic() - began
    assert (found.status, found.code) == (503, "server.not_ready")
    checks = found.json["error"]["detail"]["checks"]
    assert list(checks) == CHECKS and checks["store"] != "ok"
    assert checks["process"] == checks["log"] == "ok"
    assert took < READY_SECONDS + 10 and "store" in found.json["error"]["message"]


def test_a_process_that_was_told_to_stop_is_not_ready_and_doctor_hears_why(tmp_path: Path) -> None:
    with desk(tmp_path) as it:
        assert look_at_server(replace(it.system.settings, url=it.url)).state == "ok"
        it.system.stopping = True
        found = it.stranger.get("/readyz")
        try:
            look_at_server(replace(it.system.settings, url=it.url))
        except Unavailable as error:
            assert error.message == "not ready: process: it is stopping"
        else:
            raise AssertionError("the doctor took it for ready")
        assert it.act("look", n=1)["status"] == "done", "what still comes is still answered"
    assert found.json["error"]["detail"]["checks"]["process"] == "it is stopping"


def test_a_process_whose_log_was_rewritten_signs_nothing_and_says_so(tmp_path: Path) -> None:
    with desk(tmp_path) as it:
        suzi = it.person("suzi")
        assert suzi.get("/api/audit/checkpoint").json["size"] > 0
        rewrite(it.system.database)
        assert suzi.get("/api/audit/checkpoint").code == "log.rewritten"
        found = it.stranger.get("/readyz")
        assert found.status == 503
        assert found.json["error"]["detail"]["checks"]["log"].startswith("the log is not the one that was signed")


def test_balancers_hear_of_a_stop_before_the_server_closes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().removeprefix("http://").split(":")

        def ready() -> tuple[int, str]:
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        assert ready()[0] == 200
        process.send_signal(signal.SIGTERM)
        status, body = 200, ""
        while status == 200:
            status, body = ready()
        assert status == 503 and "it is stopping" in json.loads(body)["error"]["message"]
        assert process.wait(20) == 0
