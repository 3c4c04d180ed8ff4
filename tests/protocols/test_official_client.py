"""The official SDK as a client of the wires, in both eras, over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Literal

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import Field

from autonomy.kernel.errors import Unauthenticated
from autonomy.protocols import app

from .serving import serving
from .wires import ACTION, DENIED, DONE, HELD, KEY, TASK_TOOLS, Reply, Wires, make_tool

ERAS = ["legacy", "auto", "2026-07-28"]
TASKS = "io.modelcontextprotocol/tasks"


@asynccontextmanager
async def connected(wires: Wires, mode: str, extensions: Any = None, auth: Any = None) -> AsyncIterator[Client]:
    def make(url: str) -> Any:
        return app(wires.door, wires.clients, wires.work, **wires.handed, url=url)

    headers = {} if auth else {"authorization": f"Bearer {KEY}"}
    async with serving(make) as url, httpx2.AsyncClient(headers=headers, auth=auth and auth(url)) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode, extensions=extensions, cache=None) as client:
            yield client


@pytest.mark.parametrize("mode", ERAS)
def test_the_client_lists_calls_and_looks(wires: Wires, mode: str) -> None:
    wires.door.says |= {"order.create": DONE, "stock.get": HELD, "mail.read": DENIED}
    wires.door.results[ACTION] = HELD

    async def run() -> None:
        async with connected(wires, mode) as client:
            version = "2025-11-25" if mode == "legacy" else "2026-07-28"
            assert client.protocol_version == version
            listed = await client.list_tools()
            assert [tool.name for tool in listed.tools] == [
                "actions.result",
                "mail.read",
                "order.create",
                "stock.get",
                *TASK_TOOLS,
            ]
            done = await client.call_tool("order.create", {"sku": "a"})
            assert (done.is_error, done.structured_content) == (False, {"order": "po_1"})
            held = await client.call_tool("stock.get", {})
            assert (held.is_error, held.structured_content) == (False, HELD.as_dict())
            denied = await client.call_tool("mail.read", {})
            assert (denied.is_error, denied.structured_content) == (True, DENIED.as_dict())
            looked = await client.call_tool("actions.result", {"action": ACTION})
            assert looked.structured_content == HELD.as_dict()
            with pytest.raises(MCPError, match=r"unknown tool: `no\.such`"):
                await client.call_tool("no.such", {})

    asyncio.run(run())
    assert wires.door.asked[0].arguments == {"sku": "a"}


@pytest.mark.parametrize("mode", ERAS)
def test_the_client_follows_pages_and_odd_names(wires: Wires, mode: str) -> None:
    wires.door.shown = [make_tool(f"tool.n{at:03}") for at in range(530)]
    wires.door.says["größe messen"] = DONE

    async def run() -> None:
        async with connected(wires, mode) as client:
            first = await client.list_tools()
            second = await client.list_tools(cursor=first.next_cursor)
            assert len(first.tools) + len(second.tools) == 531 + len(TASK_TOOLS)
            assert (await client.call_tool("größe messen", {"a": "ü"})).is_error is False

    asyncio.run(run())
    assert wires.door.asked[-1].arguments == {"a": "ü"}


@pytest.mark.parametrize("mode", ERAS)
def test_what_the_agent_says_travels_in_meta(wires: Wires, mode: str) -> None:
    wires.door.says["order.create"] = DONE

    async def run() -> None:
        async with connected(wires, mode) as client:
            meta: Any = {"autonomy/case": "c-1", "autonomy/dryRun": True}
            await client.call_tool("order.create", {}, meta=meta)

    asyncio.run(run())
    assert (wires.door.asked[0].case, wires.door.asked[0].dry_run) == ("c-1", True)


class Created(Result):
    """A call that became a task."""

    result_type: Literal["task"] = Field("task", alias="resultType")
    task_id: str = Field(alias="taskId")


class Get(Request[RequestParams, Literal["tasks/get"]]):
    name_param: ClassVar[str | None] = "taskId"
    method: Literal["tasks/get"] = "tasks/get"
    params: Any


class Tasks(ClientExtension):
    """The extension as a client would have it: a task is asked about until it has ended."""

    identifier = TASKS

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self.states: list[str] = []

    def claims(self) -> Any:
        return [ResultClaim(result_type="task", model=Created, resolve=self._resolve)]

    async def _resolve(self, created: Created, context: ClaimContext) -> CallToolResult:
        while True:
            asked = Get(params={"taskId": created.task_id})
            state = await context.session.send_request(asked, Task)
            self.states.append(state.status)
            if state.status == "completed":
                return CallToolResult.model_validate(state.result)
            self._wires.door.results[ACTION] = DONE


class Task(Result):
    status: str
    result: Any = None


def test_a_client_with_tasks_waits_for_the_result(wires: Wires) -> None:
    wires.door.says["order.create"] = HELD
    wires.door.results[ACTION] = HELD
    extension = Tasks(wires)

    async def run() -> CallToolResult:
        async with connected(wires, "2026-07-28", [extension]) as client:
            return await client.call_tool("order.create", {})

    found = asyncio.run(run())
    assert extension.states == ["working", "completed"]
    assert found.structured_content == {"order": "po_1"}


def test_a_client_that_gives_up_cancels_its_call(wires: Wires) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(_: Any) -> Reply:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return DONE

    wires.door.says["order.create"] = slow

    async def run() -> None:
        async with connected(wires, "2026-07-28") as client:
            calling = asyncio.create_task(client.call_tool("order.create", {}))
            await begun.wait()
            calling.cancel()
            await asyncio.wait_for(cancelled.wait(), 60)

    asyncio.run(run())


@pytest.mark.parametrize("mode", ERAS)
def test_the_client_finds_its_own_way_to_a_token(wires: Wires, mode: str) -> None:
    """From the refusal through the documents to the token endpoint, with nothing but a client id and a secret."""

    def check(bearer: str) -> Any:
        if bearer != "signed":
            raise Unauthenticated("the token is not valid", code="token.invalid")

    async def tools(bearer: str) -> Any:
        check(bearer)
        return []

    wires.door.tools = tools  # type: ignore[method-assign]
    wires.clients.authenticate = check  # type: ignore[method-assign]
    url = ""

    def provider(served: str) -> Any:
        nonlocal url
        url = served
        return ClientCredentialsOAuthProvider(
            f"{served}/mcp", Memory(), client_id="cred_1", client_secret="s3 cret:", issuer=served
        )

    async def run() -> None:
        async with connected(wires, mode, auth=provider) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["actions.result", *TASK_TOOLS]

    asyncio.run(run())
    assert wires.clients.asked == [("token", f"{url}/mcp", None)]


class Memory:
    """Where the client keeps its token."""

    def __init__(self) -> None:
        self._tokens: Any = None
        self._client: Any = None

    async def get_tokens(self) -> Any:
        return self._tokens

    async def set_tokens(self, tokens: Any) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> Any:
        return self._client

    async def set_client_info(self, client_info: Any) -> None:
        self._client = client_info
