"""Agents that are called: their tasks come to them by signed posts, under the same rules and leases as everybody's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from autonomy.kernel.clock import now
from autonomy.tasks import Word
from autonomy.tools.signatures import key_of, prove
from tests.gate.works import organisation, works
from tests.tasks.team import AGENTS, CHECKER, Team, worker

SECRET = "the key of the remote one"


@dataclass(slots=True)
class Remote:
    """An agent's own server, which takes posts whose signature fits."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    posts: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body, self.posts = await request.read(), self.posts + 1
        prove("standard", key_of(SECRET), request.headers, body, now() // 1_000, 300)
        status = self.answers.pop(0) if self.answers else 202
        if status == 202:
            self.heard.append(json.loads(body)["task"])
            self.came.set()
        return web.Response(status=status)


@asynccontextmanager
async def remote() -> AsyncIterator[Remote]:
    found = Remote()
    runner = web.ServerRunner(web.Server(found), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    try:
        yield found
    finally:
        await runner.cleanup()


@asynccontextmanager
async def calling(folder: Path, database: str, port: int) -> AsyncIterator[Team]:
    """The small organisation with an agent of another kind of work that is called."""
    said = f"""  calledAt:
    url: http://127.0.0.1:{port}/tasks
    credential: remote-key
    lease: 30s
    allow: [127.0.0.1/32]
"""
    agents = "---".join(
        (AGENTS.replace("roles: [checker]", "roles: [worker]"), worker("afar", roles="[checker]", more=said))
    )
    async with works(folder, database, files=organisation(agents=agents, checker=CHECKER), living=True) as found:
        await asyncio.to_thread(found.system.secrets.set, "remote-key", SECRET, "person:ada")
        yield Team(found)


async def test_a_called_agent_is_posted_its_task_and_answers_as_every_agent_does(
    tmp_path: Path, database_url: str
) -> None:
    async with remote() as server, calling(tmp_path, database_url, server.port) as it:
        task = await it.open("checker", "look again", input={"shelf": 7})
        await server.came.wait()
        [heard] = server.heard
        assert (heard["task"], heard["holder"], heard["goal"], heard["input"]) == (
            task,
            "agent:afar",
            "look again",
            {"shelf": 7},
        )
        assert await it.state(task) == "claimed"
        await it.tasks.complete(Word(task, "agent:afar", heard["claim"]), {"fine": True})
        assert await it.state(task) == "done"
        server.came.clear()
        again = await it.open("checker", "and again")
        await server.came.wait()
        assert server.heard[-1]["task"] == again, "it has one task at once, and then the next one"


async def test_what_reaches_no_agent_is_free_again_and_after_three_times_a_person_looks(
    tmp_path: Path, database_url: str
) -> None:
    async with remote() as server, calling(tmp_path, database_url, server.port) as it:
        server.answers = [500]
        task = await it.open("checker")
        await server.came.wait()
        assert (server.posts, server.heard[0]["claim"]) == (2, 2)
        assert it.events(task) == ["opened", "claimed", "requeued", "claimed"]
        await it.tasks.complete(Word(task, "agent:afar", 2), {})
        server.answers = [500, 404, 302]
        lost = await it.open("checker")
        held = await it.moved(lost, "escalated")
        assert (held.task.limit, held.task.role) == ("limit.losses", "boss")


async def test_without_its_secret_nobody_is_called(tmp_path: Path, database_url: str) -> None:
    async with remote() as server, calling(tmp_path, database_url, server.port) as it:
        await asyncio.to_thread(
            it.works.system.secrets.set, "remote-key", "another key than the agent has", "person:ada"
        )
        task = await it.open("checker")
        assert (await it.moved(task, "escalated")).task.limit == "limit.losses"
        assert server.heard == []
