"""What each MCP method does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autonomy import __version__
from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound

from ..ports import Clients, Door, Withdraw, Work
from ..rules import MCP_PREFIX, MCP_WORDS, to_request
from . import tasks, work
from .eras import LEGACY, SUPPORTED, TASKS, Era, check_speaks_tasks, speaks_tasks
from .listing import RESULT_TOOL, Listing
from .message import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Message
from .results import call_result, look_result, refused_look

SERVER = {"name": "autonomy-os", "title": "Autonomy OS", "version": __version__}
INSTRUCTIONS = (
    "Every call is checked against the rules of the organisation before anything happens. A call may be denied: the "
    "answer names the rule and what would be needed. A call may be held until a person approves it: do not send it "
    f"again, ask for its result with the tool `{RESULT_TOOL}`. Put `autonomy/rationale` into `_meta` to tell "
    "approvers why you ask."
)
LIST_TTL_MS = 5_000  # how long a client may believe its list; every call is checked anew whatever it believes
DISCOVER_TTL_MS = 3_600_000

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: whose it is, what it says, in which era."""

    bearer: str
    message: Message
    era: Era


Methods = dict[str, Callable[[Call], Awaitable[Result]]]


class Service:
    """The methods, by era."""

    def __init__(self, door: Door, clients: Clients, work: Work, withdraw: Withdraw, clock: Clock) -> None:
        self._door = door
        self._clients = clients
        self._work = work
        self._withdraw = withdraw
        self._clock = clock
        self._listing = Listing()
        shared: Methods = {"tools/list": self._list, "tools/call": self._call}
        self._methods: dict[Era, Methods] = {
            "modern": shared
            | {
                "server/discover": self._discover,
                "tasks/get": self._get_task,
                "tasks/update": self._update_task,
                "tasks/cancel": self._cancel_task,
            },
            "legacy": shared | {"initialize": self._initialize, "ping": self._ping},
        }

    def knows(self, method: str) -> bool:
        """Whether some era has the method."""
        return any(method in methods for methods in self._methods.values())

    async def answer(self, call: Call) -> Result:
        """The result of a request. Raises Fault, and what the gate raises."""
        method = self._methods[call.era].get(call.message.method)
        if method is None:
            await self.greet(call.bearer)
            raise Fault(METHOD_NOT_FOUND, f"there is no method `{call.message.method[:80]}`")
        found = await method(call)
        return found if call.era == "legacy" else _modern(found)

    async def greet(self, bearer: str) -> None:
        """Check who knocks where nothing is asked of the gate; raises Unauthenticated."""
        await asyncio.to_thread(self._clients.authenticate, bearer)

    async def _discover(self, call: Call) -> Result:
        await self.greet(call.bearer)
        return {
            "supportedVersions": SUPPORTED,
            "capabilities": {"tools": {}, "extensions": {TASKS: {}}},
            "instructions": INSTRUCTIONS,
            "ttlMs": DISCOVER_TTL_MS,
            "cacheScope": "public",
        }

    async def _initialize(self, call: Call) -> Result:
        """The handshake of old. It begins no session: whatever follows stands for itself."""
        await self.greet(call.bearer)
        wanted = call.message.params.get("protocolVersion")
        if not isinstance(wanted, str):
            raise Fault(INVALID_PARAMS, "`protocolVersion` is not a text")
        return {
            "protocolVersion": wanted if wanted in LEGACY else LEGACY[0],
            "capabilities": {"tools": {}},
            "serverInfo": SERVER,
            "instructions": INSTRUCTIONS,
        }

    async def _ping(self, call: Call) -> Result:
        await self.greet(call.bearer)
        return {}

    async def _list(self, call: Call) -> Result:
        found = self._listing.page(await self._door.tools(call.bearer), call.message.params.get("cursor"))
        return found if call.era == "legacy" else found | {"ttlMs": LIST_TTL_MS, "cacheScope": "private"}

    async def _call(self, call: Call) -> Result:
        params = call.message.params
        said = {key: value for key, value in call.message.meta.items() if key.startswith(MCP_PREFIX)}
        request = to_request(params.get("name"), params.get("arguments", {}), said, MCP_WORDS)
        if request.tool == RESULT_TOOL:
            return await self._look(call, request.arguments)
        if request.tool in work.TOOLS:
            return await work.call(self._work, call.bearer, request.tool, request.arguments)
        reply = await self._door.perform(call.bearer, request)
        if reply.code == "tool.unknown":
            raise Fault(INVALID_PARAMS, f"unknown tool: `{request.tool}`")
        if reply.status == "held" and reply.action and call.era == "modern" and speaks_tasks(call.message):
            return tasks.created(reply)
        return call_result(reply, call.era)

    async def _look(self, call: Call, arguments: Mapping[str, Json]) -> Result:
        action = arguments.get("action")
        if not isinstance(action, str) or len(arguments) != 1:
            return refused_look("arguments.invalid", "give the action id, and nothing else, as `action`")
        try:
            return look_result(await self._door.result(call.bearer, action), call.era)
        except NotFound as error:
            return refused_look(error.code, error.message)

    async def _get_task(self, call: Call) -> Result:
        return tasks.task_of(await self._task(call), self._clock())

    async def _update_task(self, call: Call) -> Result:
        """Nothing is ever asked of a client, so there is nothing it could answer: heard and ignored."""
        if not isinstance(call.message.params.get("inputResponses"), dict):
            raise Fault(INVALID_PARAMS, "`inputResponses` is not an object")
        await self._task(call)
        return {}

    async def _cancel_task(self, call: Call) -> Result:
        """Withdraw a call that waits for people. One that is over, or being carried out, stays as it is."""
        reply = await self._task(call)
        if reply.status == "held":
            caller = await asyncio.to_thread(self._clients.authenticate, call.bearer)
            try:
                await asyncio.to_thread(self._withdraw, reply.action, f"agent:{caller.agent_id}")
            except Conflict:
                return {}  # people were faster; the task tells how it ended
        return {}

    async def _task(self, call: Call) -> Reply:
        check_speaks_tasks(call.message)
        named = call.message.params["taskId"]
        return await self._door.result(call.bearer, named)


def _modern(result: Result) -> Result:
    meta = {"io.modelcontextprotocol/serverInfo": SERVER, **result.get("_meta", {})}
    return {"resultType": "complete", **result, "_meta": meta}
