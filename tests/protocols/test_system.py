"""The wires over a real gate: official clients, real tokens, real people, on each database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from autonomy.protocols import app
from tests.gate.works import Plant, agent, never, organisation, works
from tests.house import House, house

from .serving import serving
from .spec import check_result
from .wires import META, VERSION, WITH_TASKS

SMALL = {"payee": "acme", "amount": "20.00"}
LARGE = {"payee": "acme", "amount": "500.00"}


@dataclass(slots=True)
class Served:
    """A house that is served, and plain HTTP to it."""

    house: House
    url: str
    http: httpx2.AsyncClient

    def bearer(self, agent: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.house.key(agent)}"}

    async def post(self, path: str, body: Any, agent: str, **headers: str) -> httpx2.Response:
        return await self.http.post(self.url + path, json=body, headers=self.bearer(agent) | headers)

    async def modern(self, method: str, params: dict[str, Any], agent: str = "w1") -> httpx2.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META} | params}
        named = params.get("name", params.get("taskId"))
        headers = {"mcp-protocol-version": VERSION, "mcp-method": method} | ({"mcp-name": named} if named else {})
        return await self.post("/mcp", body, agent, **headers)

    @asynccontextmanager
    async def client(self, agent: str, mode: str) -> AsyncIterator[Client]:
        async with httpx2.AsyncClient(headers=self.bearer(agent)) as http:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(transport, mode=mode, cache=None) as client:
                yield client


@asynccontextmanager
async def served(found: House) -> AsyncIterator[Served]:
    system = found.system

    def make(url: str) -> Any:
        # The tokens of this system name its own URL; it is reached under another here.
        return app(
            system.gate,
            system.identity,
            system.workflows.workplace.of_agents,
            withdraw=system.approvals.withdraw,
            vouch=system.signon.vouch,
            consider=system.considering.consider,
            url=system.settings.public_url,
        )

    async with serving(make) as url, httpx2.AsyncClient() as http:
        yield Served(found, url, http)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_an_agent_acts_waits_for_a_person_and_gets_its_result(tmp_path: Path, database_url: str, mode: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at, at.client("w1", mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert {"actions.result", "pay", "press"} <= set(names)
            done = await client.call_tool("pay", SMALL)
            assert (done.is_error, done.structured_content) == (False, {"ok": SMALL})
            held = await client.call_tool("pay", LARGE)
            assert held.is_error is False
            assert held.structured_content["status"] == "held"
            assert held.structured_content["needed"] == ["boss"]
            action = held.structured_content["action"]
            await it.house.approve(action, "bea")
            looked = await client.call_tool("actions.result", {"action": action})
            assert looked.structured_content["status"] == "done"
            assert looked.structured_content["result"] == {"ok": LARGE}
            denied = await client.call_tool("pay", {"payee": "acme", "amount": "1000000.00"})
            assert denied.is_error is True
            assert "pay-never" in denied.content[0].text
            wrong = await client.call_tool("pay", {"payee": 7})
            assert (wrong.is_error, wrong.structured_content["code"]) == (True, "arguments.invalid")
            assert it.plant.executions() == 2

    asyncio.run(run())


def test_a_held_call_lives_as_a_task_until_people_have_decided(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at:
            params = {"name": "pay", "arguments": LARGE, "_meta": WITH_TASKS}
            created = (await at.modern("tools/call", params)).json()["result"]
            assert (created["resultType"], created["status"]) == ("task", "working")
            task = {"taskId": created["taskId"], "_meta": WITH_TASKS}
            assert (await at.modern("tasks/get", task)).json()["result"]["status"] == "working"
            assert (await at.modern("tasks/get", task, "w2")).json()["error"]["code"] == -32602
            await it.house.approve(created["taskId"], "bea")
            ended = (await at.modern("tasks/get", task)).json()["result"]
            assert ended["status"] == "completed"
            inner = check_result("tools/call", VERSION, {"jsonrpc": "2.0", "id": 1, "result": ended["result"]})
            assert inner["structuredContent"] == {"ok": LARGE}

    asyncio.run(run())


def test_a_cancelled_task_is_not_asked_about_any_more(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at:
            params = {"name": "pay", "arguments": LARGE, "_meta": WITH_TASKS}
            created = (await at.modern("tools/call", params)).json()["result"]
            task = {"taskId": created["taskId"], "_meta": WITH_TASKS}
            assert (await at.modern("tasks/cancel", task, "w2")).json()["error"]["code"] == -32602
            assert it.system.approvals.get(created["taskId"]).state == "waiting"
            assert "result" in (await at.modern("tasks/cancel", task)).json()
            assert it.system.approvals.get(created["taskId"]).state == "withdrawn"
            assert it.plant.executions() == 0

    asyncio.run(run())


def test_leaving_stops_the_effect_and_leaves_a_record(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        plant = Plant()
        plant.behaves["shout"] = never
        async with works(tmp_path, database_url, plant) as it, served(it.house) as at:
            calling = asyncio.create_task(at.post("/v1/actions", {"tool": "shout", "arguments": {"n": 1}}, "w1"))
            await plant.called("shout")
            calling.cancel()
            action = plant.calls[0][1]
            async with asyncio.timeout(60):
                while (found := await it.result(action)).status == "running":
                    await asyncio.sleep(0.01)
            assert found.status == "unknown"

    asyncio.run(run())


def test_rest_tells_the_same_story(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at:
            body = {"tool": "pay", "arguments": LARGE, "idempotency_key": "k"}
            held = await at.post("/v1/actions", body, "w1")
            assert held.status_code == 202
            where = at.url + held.headers["location"]
            assert (await at.http.get(where, headers=at.bearer("w1"))).json()["status"] == "held"
            other = await at.http.get(where, headers=at.bearer("w2"))
            assert (other.status_code, other.json()["error"]["code"]) == (404, "action.unknown")
            done = await at.post("/v1/actions", {"tool": "pay", "arguments": SMALL, "idempotency_key": "k2"}, "w1")
            assert (done.status_code, done.json()["result"]) == (200, {"ok": SMALL})
            again = await at.post("/v1/actions", {"tool": "pay", "arguments": SMALL, "idempotency_key": "k2"}, "w1")
            assert again.json()["action"] == done.json()["action"]
            reused = await at.post(
                "/v1/actions", {"tool": "pay", "arguments": LARGE}, "w1", **{"idempotency-key": "k2"}
            )
            assert (reused.status_code, reused.json()["error"]["code"]) == (409, "key.mismatch")
            assert it.plant.executions() == 1

    asyncio.run(run())


def test_a_dry_run_leaves_no_trace(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at:
            it.house.key("w1")
            before = len(it.leaves())
            planned = await at.post("/v1/actions", {"tool": "pay", "arguments": LARGE, "dry_run": True}, "w1")
            assert (planned.status_code, planned.json()["status"]) == (200, "held")
            assert planned.json()["needed"] == ["boss"]
            assert "location" not in planned.headers
            meta = WITH_TASKS | {"autonomy/dryRun": True}
            answer = await at.modern("tools/call", {"name": "pay", "arguments": SMALL, "_meta": meta})
            assert check_result("tools/call", VERSION, answer.json())["structuredContent"]["status"] == "allowed"
            assert it.plant.executions() == 0
            assert len(it.leaves()) == before

    asyncio.run(run())


def test_tokens_are_good_here_while_they_last_and_nowhere_else(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        async with works(tmp_path, database_url) as it, served(it.house) as at:
            identity, issuer = it.system.identity, it.system.settings.public_url
            issued = await asyncio.to_thread(identity.issue_credential, "w1", "client_secret", "person:ada")
            form = {"grant_type": "client_credentials", "client_id": issued.id, "client_secret": issued.secret}

            async def status(token: str) -> int:
                return (
                    await at.http.get(f"{at.url}/v1/tools", headers={"authorization": f"Bearer {token}"})
                ).status_code

            granted = await at.http.post(f"{at.url}/oauth/token", data=form | {"resource": f"{issuer}/mcp"})
            token = granted.json()["access_token"]
            assert await status(token) == 200
            assert await status(token[:-2] + ("AA" if token[-2:] != "AA" else "BB")) == 401
            assert jwt.decode(token, options={"verify_signature": False})["aud"] == f"{issuer}/mcp"
            it.house.keys["w1"] = token
            assert (await at.modern("tools/list", {})).status_code == 200, "one rule for every endpoint"
            await asyncio.to_thread(identity.revoke, issued.id, "person:ada")
            await it.system.watch.refresh()
            assert await status(token) == 401

    asyncio.run(run())


def test_tools_of_others_do_not_show(tmp_path: Path, database_url: str) -> None:
    """The starter's buyer may not see invoices: nothing it can send tells them from tools that do not exist."""

    async def run() -> None:
        async with house(tmp_path, database_url) as found, served(found) as at:
            listed = (await at.modern("tools/list", {}, "buyer-1")).json()["result"]["tools"]
            assert "invoice.approve" not in {tool["name"] for tool in listed}
            seen = {name: await answers(at, name) for name in ("invoice.approve", "invoice.destroy")}
            assert seen["invoice.approve"] == seen["invoice.destroy"]

    asyncio.run(run())


async def answers(at: Served, name: str) -> list[str]:
    """Everything a call of `name` is answered with, the name itself taken out."""
    arguments: list[Any] = [{}, {"invoice_id": "inv_1"}]
    over = [await at.modern("tools/call", {"name": name, "arguments": said}, "buyer-1") for said in arguments]
    over += [await at.post("/v1/actions", {"tool": name, "arguments": said}, "buyer-1") for said in arguments]
    over += [await at.post("/v1/actions", {"tool": name, "dry_run": True}, "buyer-1")]
    kept = ("content-type", "content-length", "location", "www-authenticate", "retry-after")
    shown = [
        (one.status_code, [(key, one.headers.get(key)) for key in kept], one.text.replace(name, "NAME")) for one in over
    ]
    return [repr(part) for part in shown]


def test_an_agent_beyond_its_rate_is_told_when_to_come_back(tmp_path: Path, database_url: str) -> None:
    async def run() -> None:
        files = organisation(agents=agent("w1", rate=2))
        async with works(tmp_path, database_url, files=files) as it, served(it.house) as at:
            over = [await at.post("/v1/actions", {"tool": "no.such"}, "w1") for _ in range(3)]
            assert [one.status_code for one in over] == [404, 404, 429]
            assert over[-1].json()["error"]["code"] == "rate.exceeded"
            assert 1 <= int(over[-1].headers["retry-after"]) <= 30
            limited = await at.modern("tools/call", {"name": "pay", "arguments": SMALL})
            assert (limited.status_code, limited.json()["error"]["code"]) == (429, 429)

    asyncio.run(run())
