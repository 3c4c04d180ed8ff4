"""The application over a scripted gate: plain classes in the shapes of the ports, and a caller that speaks ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from autonomy.catalog.model import Call, ToolSpec
from autonomy.gate import Reply, Request
from autonomy.identity.model import TokenResponse
from autonomy.identity.proof import Proof, Secret, Vouched
from autonomy.kernel.errors import AutonomyError, Conflict, Invalid, NotFound, Unauthenticated
from autonomy.kernel.ids import new_id
from autonomy.protocols import app
from autonomy.protocols.app import App
from autonomy.tools import Tool
from autonomy.tools.schema import Schema

URL = "https://autonomy.example"
KEY = "aos_key_secret"
BORN = 1_800_000_000_123
ACTION = "act_01mcc5rm3vchag2vy3ah95v0qd"  # fixed: names of tests are made of it
NOW = BORN + 60_000

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
WITH_TASKS = META | {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}
}

DONE = Reply(ACTION, "done", "case-1", {"order": "po_1"})
HELD = Reply(
    ACTION,
    "held",
    "case-1",
    code="approval.needed",
    message="waits for finance-manager; do not send it again; ask for its result with the handle",
    policies=("order-finance-manager",),
    needed=("finance-manager",),
    detail={"expires_at": NOW + 1},
)
DENIED = Reply(
    ACTION,
    "denied",
    "case-1",
    code="policy.denied",
    message="the supplier is not approved",
    policies=("order-approved-supplier",),
    needed=("an approved supplier",),
)


def unseen(name: str) -> Reply:
    """What the gate says of a tool that does not exist, and of one the caller may not see."""
    return Reply(new_id("act"), "denied", "case-1", code="tool.unknown", message=f"there is no tool `{name[:80]}`")


def make_tool(name: str, **spec: Any) -> Tool:
    """A tool with one required argument, read-only unless said otherwise."""
    given = {"effect": "read", "input": {"type": "object", "properties": {"id": {"type": "string"}}}} | spec
    made = ToolSpec(connector="erp", call=Call(function="f"), **given)
    return Tool(name, "sha", "company", f"About {name}", made, Schema(made.input or {}), "sha", "")


TOOLS = [
    make_tool("stock.get"),
    make_tool("order.create", effect="write-keyed"),
    make_tool("mail.read", egress=True),
]

Scripted = Reply | AutonomyError | Callable[[Request], Any]


@dataclass
class FakeDoor:
    """A gate that says what the test wrote down, and remembers what it was asked."""

    says: dict[str, Scripted] = field(default_factory=dict)
    results: dict[str, Reply] = field(default_factory=dict)
    shown: list[Tool] = field(default_factory=lambda: list(TOOLS))
    asked: list[Request] = field(default_factory=list)

    async def perform(self, bearer: str, request: Request) -> Reply:
        check(bearer)
        self.asked.append(request)
        said = self.says.get(request.tool, unseen(request.tool))
        if isinstance(said, Reply):
            return said
        if isinstance(said, AutonomyError):
            raise said
        reply: Reply = await said(request)
        return reply

    async def tools(self, bearer: str) -> list[Tool]:
        check(bearer)
        return self.shown

    async def result(self, bearer: str, action_id: str) -> Reply:
        check(bearer)
        if action_id not in self.results:
            raise NotFound(f"there is no action `{action_id[:40]}`", code="action.unknown")
        return self.results[action_id]


TASK_TOOLS = [f"tasks.{word}" for word in ("complete", "escalate", "hand_off", "heartbeat", "next", "refuse")]


@dataclass
class FakeWork:
    """Tasks: those of `free` are given out, and whatever is said of them is taken down."""

    free: list[dict[str, Any]] = field(default_factory=list)
    said: list[tuple[str, str, Any]] = field(default_factory=list)

    async def next(self, bearer: str, said: Mapping[str, Any]) -> dict[str, Any]:
        check(bearer)
        self.said.append(("next", "", dict(said)))
        return {"task": self.free.pop() if self.free else None}

    async def look(self, bearer: str, task: str) -> dict[str, Any]:
        check(bearer)
        raise NotFound(f"there is no task `{task}`", code="task.unknown")

    async def say(self, bearer: str, verb: str, task: str, said: Mapping[str, Any]) -> dict[str, Any]:
        check(bearer)
        if said.get("claim") != 1:
            raise Conflict("the task is yours no more", code="task.lost")
        self.said.append((verb, task, dict(said)))
        return {"task": task, "state": "done"}


@dataclass
class FakeClients:
    """Identity with one client, `cred_1` and its secret."""

    asked: list[tuple[str | None, ...]] = field(default_factory=list)

    def authenticate(self, bearer: str) -> Any:
        check(bearer)
        return SimpleNamespace(agent_id="spiffe://example/agent/1")

    def token(self, proof: Proof, resources: Sequence[str] = (), act_for: str | None = None) -> TokenResponse:
        self._check(proof)
        self.asked.append(("token", *resources, act_for))
        return TokenResponse("signed", 300)

    def exchange(
        self, proof: Proof, subject: str | Vouched, resources: Sequence[str] = (), actor: Proof | None = None
    ) -> TokenResponse:
        self._check(proof)
        if subject != "subject":
            raise Invalid("the subject token is refused", code="oauth.invalid_grant")
        self.asked.append(("exchange", *resources, subject))
        return TokenResponse("exchanged", 300)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [{"kty": "OKP"}]}

    def _check(self, proof: Proof) -> None:
        if proof != Secret("cred_1", "s3 cret:"):
            raise Unauthenticated("the credential is not valid", code="oauth.invalid_client")


def check(bearer: str) -> None:
    if bearer != KEY:
        raise Unauthenticated("the token is not valid", code="token.invalid")


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wires:
    """The application, and calls to it. Every call is a whole HTTP exchange."""

    def __init__(self, **options: Any) -> None:
        self.door = FakeDoor()
        self.clients = FakeClients()
        self.work = FakeWork()
        self.withdrawn: list[tuple[str, str]] = []
        self.handed = {"withdraw": self.withdraw, "vouch": self.vouch, "consider": self.consider}
        given = self.handed | {"url": URL, "clock": lambda: NOW} | options
        self.app: App = app(self.door, self.clients, self.work, **given)

    def withdraw(self, action: str, actor: str) -> None:
        self.withdrawn.append((action, actor))

    async def consider(self, agent: str, request: Request, record: tuple[str, str] | None) -> Reply:
        raise NotFound(f"there is no agent `{agent}`", code="agent.unknown")

    async def vouch(self, token: str) -> Vouched:
        raise Unauthenticated("its issuer is not declared here", code="assertion.invalid")

    def send(self, method: str, path: str, body: bytes = b"", headers: Any = ()) -> Response:
        """One exchange. `headers` is a mapping, or pairs where one stands twice."""
        return asyncio.run(exchange(self.app, method, path, body, headers))

    def mcp(self, body: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A POST to `/mcp`; bytes are sent as they are."""
        return self.send("POST", "/mcp", encoded(body), base_headers() | dict(headers or {}))

    def modern(self, method: str, params: Mapping[str, Any] | None = None, id: Any = 1, **headers: str) -> Response:
        """A request of 2026-07-28 with the headers it needs; `headers` replace them."""
        said = {"_meta": META} | dict(params or {})
        named = said.get("name", said.get("taskId"))
        fitting = {"mcp-protocol-version": VERSION, "mcp-method": method} | ({"mcp-name": str(named)} if named else {})
        return self.mcp({"jsonrpc": "2.0", "id": id, "method": method, "params": said}, fitting | headers)

    def legacy(self, method: str, params: Mapping[str, Any] | None = None, version: str = "2025-11-25") -> Response:
        """A request of an earlier version."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
        return self.mcp(body, {"mcp-protocol-version": version})

    def call(self, tool: str, arguments: Any = None, **meta: Any) -> Response:
        """A modern `tools/call`; `meta` are keys after `autonomy/`."""
        said = META | {f"autonomy/{key}": value for key, value in meta.items()}
        return self.modern("tools/call", {"name": tool, "arguments": arguments or {}, "_meta": said})

    def act(self, body: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A POST to `/v1/actions`."""
        return self.send("POST", "/v1/actions", encoded(body), base_headers() | dict(headers or {}))

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, b"", base_headers() | headers)


def base_headers() -> dict[str, str]:
    return {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


async def exchange(
    application: App, method: str, path: str, body: bytes = b"", headers: Any = (), left: asyncio.Event | None = None
) -> Response:
    """One exchange; the caller closes the connection when `left` is set."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("utf-8")) for name, value in pairs],
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await (left or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    if not sent:
        return Response(0, {}, b"")
    start, *parts = sent
    headers_back = {name.decode(): value.decode() for name, value in start["headers"]}
    return Response(start["status"], headers_back, b"".join(part["body"] for part in parts))
