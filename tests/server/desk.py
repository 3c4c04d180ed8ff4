"""A running server over a small organisation, and people and agents who call it over HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from autonomy.audit.store import read_head
from autonomy.kernel.clock import Clock, now
from autonomy.server import bind, serving
from autonomy.wiring import Settings, System, open_system
from tests.gate.works import PEOPLE, Plant, organisation
from tests.house import declare
from tests.server.contract import check_documented
from tests.templates import put_migrated

T = TypeVar("T")

STAFF = {
    "ada": ("[]", "admin"),
    "bea": ("[boss]", "approver"),
    "bob": ("[boss]", "approver"),
    "carl": ("[chief]", "approver"),
    "sam": ("[boss]", "approver"),
    "olga": ("[boss]", "approver"),
    "suzi": ("[]", "supervisor"),
    "aldo": ("[]", "auditor"),
    "vera": ("[]", "viewer"),
}
"""Name to business roles and access; sam sponsors the agents and olga owns their work."""

PATIENCE_SECONDS = 60.0
"""How long anything of the server's may take before a test gives up: a busy machine is no mistake."""

BY_ACCESS = {"admin": "ada", "approver": "carl", "auditor": "aldo", "supervisor": "suzi", "viewer": "vera"}
"""Somebody of each kind of access."""


def files(**changed: str) -> dict[str, str]:
    """The small organisation of the gate's tests, with everybody of `STAFF` known to an identity provider."""
    staff = "---".join(
        f"""
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec:
  displayName: {name.title()}
  email: {name}@acme.example
  roles: {roles}
  access: [{access}]
  externalSubject: "idp|{name}"
"""
        for name, (roles, access) in STAFF.items()
    )
    return organisation(people=PEOPLE + "---" + staff, **changed)


def eventually(look: Callable[[], T], what: str) -> T:
    """What `look` finds, once it finds anything; fails where `what` does not come."""
    late = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < late, f"{what} does not come"
        threading.Event().wait(0.025)
    return found


@dataclass
class Answer:
    """What came back: `json` is None where it was not JSON."""

    status: int
    headers: Any
    body: bytes
    json: Any

    @property
    def code(self) -> str:
        """The code of the error; fails where it is none."""
        return str(self.json["error"]["code"])


@dataclass
class Client:
    """Somebody with a bearer token, or with none."""

    pool: urllib3.HTTPConnectionPool
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request with `body` as JSON, or as it is where it is bytes."""
        sent = dict(self.headers) | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        found = self.pool.request(method, path, body=body, headers=sent, retries=False, redirect=False)
        check_documented(method, path, found.status)
        is_json = bool(found.data) and found.headers.get("Content-Type", "").partition(";")[0] == "application/json"
        return Answer(found.status, found.headers, found.data, json.loads(found.data) if is_json else None)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, {} if body is None else body, **headers)

    @contextmanager
    def under_way(self, path: str, body: Any) -> Iterator[None]:
        """While a request is under way, whose answer nobody waits for."""
        asking = threading.Thread(target=self.post, args=(path, body), name="asking")
        asking.start()
        try:
            yield
        finally:
            asking.join(PATIENCE_SECONDS)

    def stream(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """An answer whose body is read as it comes; close it."""
        sent = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.pool.request(
            "GET", path, headers=sent, preload_content=False, retries=False, timeout=PATIENCE_SECONDS
        )


@dataclass
class Desk:
    """The server, its system and the plant its agents work on."""

    system: System
    plant: Plant
    url: str
    pool: urllib3.HTTPConnectionPool
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def stranger(self) -> Client:
        return Client(self.pool)

    def person(self, name: str) -> Client:
        """The person with a new session, vouched for by the identity provider."""
        return Client(self.pool, self.system.identity.sign_in_external(f"idp|{name}", []))

    def invited(self, name: str, password: str) -> None:
        """Let the person have a password."""
        self.system.identity.accept_invitation(self.system.identity.invite(name), password)

    def agent(self, name: str = "w1") -> Client:
        """The agent with an API key, made the first time."""
        if name not in self.keys:
            self.keys[name] = self.system.identity.issue_credential(name, "api_key", "system").secret
        return Client(self.pool, self.keys[name])

    def act(self, tool: str, agent: str = "w1", /, **arguments: Any) -> dict[str, Any]:
        """An action over the agents' own wire; returns the reply."""
        answer = self.agent(agent).post("/v1/actions", {"tool": tool, "arguments": arguments})
        found: dict[str, Any] = answer.json
        return found

    def finished(self, action: str, agent: str = "w1") -> dict[str, Any]:
        """What became of an action, once it has ended."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.agent(agent).get(f"/v1/actions/{action}").json
            return None if found["status"] in ("held", "running") else found

        return eventually(look, f"the end of {action}")

    def beside(self, port: int) -> urllib3.HTTPConnectionPool:
        """Connections to what else listens on this machine."""
        return urllib3.HTTPConnectionPool("127.0.0.1", port, timeout=PATIENCE_SECONDS)

    def taken_in(self) -> None:
        """Until everything that has happened can be found."""
        with self.system.database.reading() as connection:
            size = read_head(connection)[0]
        eventually(lambda: self.system.searching.following.place >= size, "what happened")

    def held(self, amount: str = "250.00", payee: str = "acme") -> str:
        """The id of a payment that waits for the boss."""
        reply = self.act("pay", payee=payee, amount=amount)
        assert reply["status"] == "held", reply
        return str(reply["action"])


@contextmanager
def desk(
    folder: Path, database: str = "", clock: Clock = now, organisation: dict[str, str] | None = None, **set: Any
) -> Iterator[Desk]:
    """A server on a free port of the loopback, in a thread of its own; `set` are settings that differ."""
    plant, bound = Plant(), bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = replace(Settings(), data=folder, database=database, url=url, **set)
    if not database:
        put_migrated(folder / "autonomy.sqlite")
    system = open_system(settings, clock, {"plant": plant})
    if system.catalog.organisation().epoch == 0:
        declare(system, organisation or files())
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serving(system, bound, lambda _: started.set(), stop))

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        assert started.wait(PATIENCE_SECONDS)
        port = bound.getsockname()[1]
        with urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=8, timeout=PATIENCE_SECONDS) as pool:
            yield Desk(system, plant, url, pool)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
