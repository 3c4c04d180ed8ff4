"""What every agent here works with: its tools over MCP, an inbox of tasks, and a log.

The environment says where the tools are and who the agent is: AUTONOMY_URL, AUTONOMY_CLIENT_ID, AUTONOMY_CLIENT_SECRET.
Tasks come in as lines of JSON (`{"task": "order", …}`), everything done goes out as lines of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp_types import RequestParamsMeta

CALL_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.2  # between two looks at an action that waits for people

Handler = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What became of a call: `done` with its result, or why not."""

    status: str
    action: str
    result: Any
    said: Mapping[str, Any]

    @property
    def done(self) -> bool:
        return self.status == "done"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a result; none where the call was not done."""
        return list(self.result["rows"]) if self.done else []

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.said.get("code", ""))


class Desk:
    """The tools this agent may use."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def use(
        self, tool: str, case: str, key: str | None = None, why: str | None = None, **arguments: Any
    ) -> Answer:
        """Use a tool and log what became of it. `key` makes a repeated call the same call; `why` is for approvers."""
        said = {"autonomy/case": case, "autonomy/idempotencyKey": key, "autonomy/rationale": why}
        answer = await self._call(tool, arguments, {name: value for name, value in said.items() if value is not None})
        self._log(tool, case, arguments, answer)
        return answer

    async def outcome(self, tool: str, case: str, answer: Answer, **arguments: Any) -> Answer:
        """What became of a call that waits for people; returns when they have decided."""
        while answer.status in ("held", "running"):
            await anyio.sleep(LOOK_AGAIN_SECONDS)
            answer = await self._call("actions.result", {"action": answer.action}, {})
        self._log(tool, case, arguments, answer)
        return answer

    async def use_patiently(self, tool: str, case: str, **more: Any) -> Answer:
        """Use a tool; where people are asked, wait for what they say."""
        answer = await self.use(tool, case, **more)
        if answer.status != "held":
            return answer
        arguments = {name: value for name, value in more.items() if name not in ("key", "why")}
        return await self.outcome(tool, case, answer, **arguments)

    async def next_task(self, wait: int = 10) -> dict[str, Any] | None:
        """The next task for this agent, which is its own then; None where there is none within `wait` seconds."""
        said = await self._client.call_tool("tasks.next", {"wait": wait})
        return None if said.structured_content is None else said.structured_content["task"]

    async def complete(self, task: Mapping[str, Any], output: Any) -> None:
        """Bring back what a task came to."""
        said = {"task": task["task"], "claim": task["claim"], "output": output}
        answer = await self._client.call_tool("tasks.complete", said)
        if answer.is_error:
            raise RuntimeError(f"the task was not taken back: {answer.structured_content}")

    async def _call(self, tool: str, arguments: dict[str, Any], meta: dict[str, Any]) -> Answer:
        try:
            result = await self._client.call_tool(tool, arguments, meta=cast(RequestParamsMeta, meta))
        except MCPError as error:
            detail = error.error.data if isinstance(error.error.data, dict) else {}
            return Answer("refused", "", None, {"message": error.error.message, **detail})
        about, said = result.meta or {}, result.structured_content
        if tool == "actions.result" and isinstance(said, dict):
            return Answer(str(said.get("status")), str(said.get("action")), said.get("result"), said)
        status = str(about.get("autonomy/status"))
        details = said if status != "done" and isinstance(said, dict) else {}
        return Answer(status, str(about.get("autonomy/action", "")), said if status == "done" else None, details)

    def _log(self, tool: str, case: str, arguments: Mapping[str, Any], answer: Answer) -> None:
        told = {name: answer.said[name] for name in ("code", "message", "policies", "needed") if name in answer.said}
        shown = {"tool": tool, "case": case, "arguments": arguments, "status": answer.status, "action": answer.action}
        log("used", **shown, **told, result=answer.result)


def log(event: str, **fields: Any) -> None:
    """Say what happens, on a line of its own."""
    print(json.dumps({"event": event, **fields}), flush=True)


def note(text: str) -> None:
    """Say something in words."""
    log("note", text=text)


def hand_over(to: str, task: str, **fields: Any) -> None:
    """Pass work on to a colleague."""
    log("handover", to=to, task={"task": task, **fields})


def euros(minor: int) -> str:
    """Cents as the tools take amounts: `1200.00`."""
    return f"{minor // 100}.{minor % 100:02}"


def work(handlers: Callable[[Desk], Mapping[str, Handler]]) -> None:
    """Do the tasks of the inbox one after another, until it is closed."""
    try:
        anyio.run(_work, handlers)
    except* OAuthFlowError as group:
        log("locked_out", message="; ".join(_messages(group)))
        sys.exit(3)


async def _work(handlers: Callable[[Desk], Mapping[str, Handler]]) -> None:
    async with _connected() as desk:
        known = handlers(desk)
        log("ready")
        async for line in anyio.wrap_file(sys.stdin):
            task = json.loads(line)
            await known[task.pop("task")](**task)
            log("finished")


@asynccontextmanager
async def _connected() -> AsyncIterator[Desk]:
    issuer = os.environ["AUTONOMY_URL"].rstrip("/")
    url = f"{issuer}/mcp"
    auth = ClientCredentialsOAuthProvider(
        server_url=url,
        storage=_Memory(),
        client_id=os.environ["AUTONOMY_CLIENT_ID"],
        client_secret=os.environ["AUTONOMY_CLIENT_SECRET"],
        issuer=issuer,
    )
    async with (
        httpx2.AsyncClient(auth=auth, timeout=CALL_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield Desk(client)


class _Memory:
    """Keeps the token of this run; nothing is written down."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


def _messages(group: BaseExceptionGroup[BaseException]) -> list[str]:
    return [
        text
        for error in group.exceptions
        for text in (_messages(error) if isinstance(error, BaseExceptionGroup) else [str(error)])
    ]
