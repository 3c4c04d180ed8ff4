"""The lines of the factory, run by a real Node-RED: told by a signed post, done once, answered by a signed post."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from autonomy.catalog import starter
from autonomy.kernel.clock import now
from autonomy.tools.deliveries import delivery
from autonomy.tools.signatures import key_of, sign
from demo.processes import free_port
from tests.house import House, house, served

from .engine import NodeRed

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SET_UP = {"line": "line-1", "product": "OPT-200", "pieces": 50}


@asynccontextmanager
async def factory(folder: Path, url: str, port: int) -> AsyncIterator[House]:
    """The starter company with its lines in the engine at `url`, served at `port`."""
    files = starter.organisation(["node-red"])
    text = files["production-line.yaml"].replace("http://127.0.0.1:1880/autonomy", url)
    files["production-line.yaml"] = text
    async with house(folder, files=files) as made, served(made.system, port):
        made.system.secrets.set("node-red-key", KEY, "person:ada")
        yield made


@contextmanager
def engine(folder: Path, port: int, key: str = KEY) -> Iterator[NodeRed]:
    with NodeRed(folder / "node-red", key, f"http://127.0.0.1:{port}/hooks/node-red") as running:
        yield running


def deliveries_of(it: House) -> int:
    with it.system.database.reading() as connection:
        return len(connection.execute(delivery.select()).all())


async def post(engine: NodeRed, action: str, at_s: int | None = None, key: str = KEY, **told: Any) -> int:
    """The engine's word on a post such as ours."""
    body = json.dumps({"type": "line.set_up", "action": action, "data": SET_UP, **told}).encode()
    headers = sign(key_of(key), action, now() // 1000 if at_s is None else at_s, body)
    headers["Content-Type"] = "application/json"
    async with ClientSession() as session, session.post(engine.url, data=body, headers=headers) as answer:
        return answer.status


async def test_a_line_is_set_up_once_and_the_engines_word_is_the_result(tmp_path: Path) -> None:
    port = free_port()
    with engine(tmp_path, port) as running:
        async with factory(tmp_path / "data", running.url, port) as it:
            done = await it.ask("line-planner-1", "line.set_up", SET_UP)
            assert done.status == "done", done
            assert done.result["action"] == done.action and done.result["type"] == "line.set_up.done"
            assert done.result["data"] == {**SET_UP, "changes": 1}
            # The same post again: the line is left as it is, and the answer comes once more and is taken once.
            assert await post(running, done.action) == 202
            other = await it.ask("line-planner-1", "line.set_up", {**SET_UP, "product": "OPT-300"})
            assert other.result["data"] == {**SET_UP, "product": "OPT-300", "changes": 2}
            assert deliveries_of(it) == 2


async def test_a_line_is_stopped_by_the_operations_leads_word(tmp_path: Path) -> None:
    port = free_port()
    with engine(tmp_path, port) as running:
        async with factory(tmp_path / "data", running.url, port) as it:
            held = await it.ask("line-planner-1", "line.stop", {"line": "line-1"})
            assert (held.status, held.policies) == ("held", ("line-stop-operations-lead",))
            await it.approve(held.action, "omar")
            ended = await it.system.gate.result(it.key("line-planner-1"), held.action)
            assert ended.result["data"] == {"line": "line-1", "product": None, "pieces": 0, "changes": 1}


async def test_the_engine_hears_nobody_who_has_not_the_key(tmp_path: Path) -> None:
    with engine(tmp_path, free_port()) as running:
        assert await post(running, "act_1", key="another key, of somebody") == 401
        assert await post(running, "act_1", at_s=now() // 1000 - 400) == 401


@asynccontextmanager
async def deaf(port: int) -> AsyncIterator[asyncio.Event]:
    """Something in the place of the control plane that takes no answer; set once one has come."""
    came = asyncio.Event()

    async def refuse(_: web.BaseRequest) -> web.Response:
        came.set()
        return web.Response(status=503)

    runner = web.ServerRunner(web.Server(refuse), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield came
    finally:
        await runner.cleanup()


async def test_an_engine_remembers_what_it_did_when_nobody_took_its_answer(tmp_path: Path) -> None:
    port, action = free_port(), "act_00000000000000000000000001"
    with engine(tmp_path, port) as running:
        async with deaf(port) as came:
            assert await post(running, action) == 202
            await came.wait()
    with engine(tmp_path, port) as again:
        async with factory(tmp_path / "data", again.url, port) as it:
            assert await post(again, action) == 202
            answer = await it.system.hooks.wait("node-red", action)
            assert answer.value["data"] == {**SET_UP, "changes": 1}  # type: ignore[index,call-overload]


async def test_an_answer_is_said_again_until_it_is_taken(tmp_path: Path) -> None:
    port, action = free_port(), "act_00000000000000000000000002"
    with engine(tmp_path, port) as running:
        async with deaf(port) as came:
            assert await post(running, action) == 202
            await came.wait()
        async with factory(tmp_path / "data", running.url, port) as it:
            assert (await it.system.hooks.wait("node-red", action)).value["data"] == {**SET_UP, "changes": 1}
