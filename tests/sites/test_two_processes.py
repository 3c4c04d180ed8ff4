"""A control plane and a worker of its own process: what becomes of an action when the worker is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autonomy.kernel.errors import Invalid
from autonomy.sdk.site import RemoteDesk
from tests.cli.shell import COMMAND, surroundings
from tests.gate.works import TOOLS, tool
from tests.house import declare
from tests.server.desk import Client, Desk, desk, files
from tests.tools.test_aws import KEYS, manage
from tests.tools.test_aws import moto as moto

CONNECTOR = """
apiVersion: autonomy/v1
kind: Connector
metadata: { name: machine }
spec: { site: factory, use: { type: sql, url: "sqlite:///machine.sqlite" } }
"""


def machine(name: str, effect: str, sql: str, more: str = "", seconds: int = 6) -> str:
    """A tool that writes a line into the machine's own journal."""
    made = tool(name, effect, "n: { type: integer }", f"  trust: trusted\n  deadline: {seconds}s\n" + more)
    made = made.replace("  reconcile: { function: happened }\n", "").replace("connector: plant", "connector: machine")
    return made.replace(f"{{ function: {name} }}", f'{{ statements: [{{ sql: "{sql}" }}] }}')


ASK = '  reconcile: { statements: [{ sql: "SELECT ref FROM journal WHERE ref = :action_id" }] }\n'
WRITE = "INSERT INTO journal (ref, n) VALUES (:action_id, :n)"
MACHINE = "---".join(
    (
        CONNECTOR,
        machine(
            "keyed", "write-keyed", WRITE.replace("journal", "keyed") + " ON CONFLICT (ref) DO NOTHING", seconds=30
        ),
        machine("queryable", "write-queryable", WRITE, ASK),
        machine("neither", "write-neither", WRITE),
    )
)


class Factory:
    """The machine's journal, and workers beside it."""

    def __init__(self, folder: Path, office: Desk) -> None:
        self._folder = folder
        self._office = office
        folder.mkdir()
        with sqlite3.connect(folder / "machine.sqlite") as journal:
            journal.execute("CREATE TABLE journal (ref TEXT NOT NULL, n INTEGER)")
            journal.execute("CREATE TABLE keyed (ref TEXT PRIMARY KEY, n INTEGER)")
        issued = office.person("ada").post("/api/site-keys", {"site": "factory"})
        assert issued.status == 201
        self.key: str = issued.json["secret"]

    @contextmanager
    def worker(self, failpoint: str = "", key: str = "") -> Iterator[subprocess.Popen[str]]:
        """`autonomy work` in a process of its own, ready."""
        environment = {**os.environ, **surroundings(self._folder)}
        environment |= {"AUTONOMY_SITE_KEY": key or self.key, "AUTONOMY_FAILPOINT": failpoint}
        command = [COMMAND, "work", "--site", "factory", "--url", self._office.url, "--data", str(self._folder)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None and (key or "working for" in process.stdout.readline())
            yield process
        finally:
            process.terminate()
            process.wait(20)
            assert process.stdout is not None
            process.stdout.close()

    def effects(self, action: str) -> int:
        with sqlite3.connect(self._folder / "machine.sqlite") as journal:
            query = "SELECT (SELECT count(*) FROM journal WHERE ref = ?) + (SELECT count(*) FROM keyed WHERE ref = ?)"
            return int(journal.execute(query, (action, action)).fetchone()[0])


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[tuple[Desk, Factory]]:
    with desk(tmp_path / "office") as office:
        declare(office.system, files(tools=TOOLS + "---" + MACHINE))
        yield office, Factory(tmp_path / "factory", office)


def test_one_governance_covers_what_is_performed_at_a_site(factory: tuple[Desk, Factory]) -> None:
    office, site = factory
    with site.worker():
        for name in ("keyed", "queryable", "neither"):
            reply = office.act(name, n=7)
            assert reply["status"] == "done", reply
            assert site.effects(reply["action"]) == 1
        office.person("suzi").post("/api/contain", {"scope": "tool", "target": "keyed", "reason": "odd"})
        assert office.act("keyed", n=8)["status"] == "denied"


EXPECTED: dict[tuple[str, str], tuple[str, int]] = {
    ("keyed", "site.claimed"): ("done", 1),
    ("keyed", "site.performed"): ("done", 1),
    ("queryable", "site.claimed"): ("failed", 0),
    ("queryable", "site.performed"): ("done", 1),
    ("neither", "site.claimed"): ("unknown", 0),
    ("neither", "site.performed"): ("unknown", 1),
}
"""Tool and where its worker is killed: how the action ends, and how many effects it has had."""


SLOW = {("keyed", "site.claimed"), ("queryable", "site.claimed"), ("queryable", "site.performed")}


@pytest.mark.parametrize(
    ("name", "failpoint"), [pytest.param(*each, marks=[pytest.mark.slow] if each in SLOW else []) for each in EXPECTED]
)
def test_a_worker_killed_between_claim_and_report_doubles_nothing(
    factory: tuple[Desk, Factory], name: str, failpoint: str
) -> None:
    office, site = factory
    with site.worker(failpoint) as first:
        asked = Asked(office, name)
        assert first.wait(20) == -signal.SIGKILL
        with site.worker():
            reply = asked.reply()
            status, effects = EXPECTED[name, failpoint]
            assert (reply["status"], site.effects(reply["action"])) == (status, effects), reply
    if status == "unknown":
        shown = office.person("suzi").get("/api/actions?status=unknown").json["items"]
        assert [one["id"] for one in shown] == [reply["action"]]


class Asked:
    """A call on its way, in a thread of its own."""

    def __init__(self, office: Desk, name: str) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._pool = ThreadPoolExecutor(1)
        self._reply = self._pool.submit(office.act, name, n=7)

    def reply(self) -> dict[str, Any]:
        """What came of it."""
        try:
            return self._reply.result(60)
        finally:
            self._pool.shutdown()


def test_a_worker_without_the_right_key_is_told_so_at_once(factory: tuple[Desk, Factory]) -> None:
    _, site = factory
    with site.worker(key="site_nobody_nothing") as worker:
        assert worker.wait(20) == 1


def test_a_worker_speaks_in_clear_with_nobody_but_its_own_machine() -> None:
    for url in ("http://autonomy.example", "http://10.0.0.1:8085"):
        with pytest.raises(Invalid) as caught:
            RemoteDesk(url, "key")
        assert caught.value.code == "site.url"
    RemoteDesk("https://autonomy.example", "key").close()


def test_the_desk_is_for_keys_of_sites_only(factory: tuple[Desk, Factory]) -> None:
    office, site = factory
    said: dict[str, Any] = {"worker": "wrk_1", "count": 1}
    for client in (office.stranger, office.person("ada"), office.agent()):
        for name in ("look", "claim", "beat", "end"):
            assert client.post(f"/sites/{name}", said).status == 401
    worker = Client(office.pool, site.key)
    assert worker.post("/sites/claim", said).json == {"assignments": []}
    for wrong in ({}, {"worker": 1, "count": 1}, {**said, "site": "other"}, [1], {"worker": "w", "count": "many"}):
        assert worker.post("/sites/claim", wrong).code == "site.said"
    ending = {"worker": "wrk_1", "assignment": "asg_1", "ending": {"said": "done"}}
    assert worker.post("/sites/end", ending).code == "site.late"
    assert worker.get("/api/me").status == 401 and worker.post("/v1/actions", {"tool": "look"}).status == 401


class Till(BaseHTTPRequestHandler):
    """A system at the factory that says by which key it was asked."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@contextmanager
def till() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Till)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_a_worker_reads_secrets_of_aws_as_whoever_its_machine_is_there(
    factory: tuple[Desk, Factory], moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, site = factory
    asyncio.run(manage(moto, "CreateSecret", Name="factory/till", SecretString='{"key": "till-canary"}'))
    for name, value in {
        **KEYS,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": moto,
        "AUTONOMY_AWS_REGION": "eu-central-1",
        "AUTONOMY_AWS_ALLOW": "127.0.0.1/32",
    }.items():
        monkeypatch.setenv(name, value)
    with till() as port:
        use = f'type: http, baseUrl: "http://127.0.0.1:{port}", allow: [127.0.0.1/32]'
        use += ', credential: "aws:factory/till#key"'
        connector = CONNECTOR.replace("name: machine", "name: till")
        connector = connector.replace('type: sql, url: "sqlite:///machine.sqlite"', use)
        count = tool("count", "read", "n: { type: integer }").replace("connector: plant", "connector: till")
        count = count.replace("{ function: count }", "{ request: { method: GET, path: /takings } }")
        declare(office.system, files(tools=TOOLS + "---" + MACHINE + "---" + connector + "---" + count))
        with site.worker():
            reply = office.act("count", n=1)
    assert reply["status"] == "done", reply
    assert Till.heard == ["Bearer till-canary"]
