"""MCP servers at a URL: both eras, streams, sessions, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from autonomy.kernel import canonical
from autonomy.kernel.errors import AutonomyError
from autonomy.telemetry import Passage, Trace, enter, leave
from autonomy.telemetry.traceparent import read_caller
from autonomy.tools import Refused, Unreachable, Unsure
from autonomy.tools.credential import Credential, spellings

from ..organisations import Bench
from .servers import WORK, bench, pinned, ready
from .site import TOOL, Heard, Said, Site, result, text
from .tickets import server as tickets_server

BELIEVED = {"believeFor": "1h"}
"""What it lists is not asked for again before a call."""


async def plain(heard: Heard, said: Said) -> None:
    await said.json(result(heard, text("done")))


@asynccontextmanager
async def connected(site: Site, effect: str = "read", **how: Any) -> AsyncIterator[Bench]:
    """Connectors to the site, whose tool `work` is pinned."""
    spec = {"effect": effect, "call": how.pop("call", {})}
    async with site.served() as use, bench(use | how.pop("use", {}), pinned("work", WORK, **spec), **how) as connectors:
        yield connectors


async def test_a_server_by_the_official_sdk_is_spoken_to(wordings: dict[str, str]) -> None:
    async with serving_sdk() as url:
        use = {"type": "mcp", "url": f"{url}/mcp", "allow": ["127.0.0.1/32"]}
        async with bench(use, pinned("add_note", wordings["add_note"])) as connectors:
            assert await connectors.call("add_note", id=7, note="hello") == {"id": 7, "note": "hello", "notes": 1}


@asynccontextmanager
async def serving_sdk() -> AsyncIterator[str]:
    """The help desk over HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = tickets_server.streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()


async def test_a_modern_server_hears_in_headers_what_the_body_says() -> None:
    site = Site(plain)
    async with connected(site) as connectors:
        assert await connectors.call("work", 20.0, n=1) == {"text": "done"}
        assert await connectors.call("work", n=2) == {"text": "done"}
    assert site.methods() == ["server/discover", *("tools/list", "tools/call") * 2]
    call = site.heard[-1]
    assert call.headers["mcp-protocol-version"] == "2026-07-28"
    assert (call.headers["mcp-method"], call.headers["mcp-name"]) == ("tools/call", "work")
    assert "mcp-session-id" not in call.headers
    meta = call.message["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == {}
    assert meta["autonomy/action"] == "act_1"
    ids = [one.message["id"] for one in site.heard]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("told", [True, False])
async def test_the_trace_of_an_action_is_told_to_a_server_that_is_declared_to_take_it(told: bool) -> None:
    site, caller = Site(plain), read_caller(f"00-{'1' * 32}-{'2' * 16}-01", "other=1")
    async with connected(site, use={"traceContext": told}) as connectors:
        before = enter(Passage("work", trace=Trace.begin([].append, caller)))
        try:
            await connectors.call("work", 20.0)
        finally:
            leave(before)
    meta = site.heard[-1].message["params"]["_meta"]
    assert meta.get("traceparent", "").startswith(f"00-{'1' * 32}-") is told
    assert meta.get("tracestate") == ("other=1" if told else None)


async def test_arguments_are_repeated_in_headers_where_the_pinned_tool_asks_for_it() -> None:
    schema = {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "Count"}}},
            "odd": {"type": "string", "x-mcp-header": "not a token\r\n"},
        },
    }
    tool = {"name": "place", "inputSchema": schema}
    site = Site(plain, tools=[tool])
    async with site.served() as use, bench(use, pinned("place", canonical.digest(tool))) as connectors:
        await connectors.call("place", region="Zürich", deep={"n": 3}, odd="x")
    sent = {name: value for name, value in site.heard[-1].headers.items() if name.startswith("mcp-param-")}
    assert sent == {"mcp-param-region": "=?base64?WsO8cmljaA==?=", "mcp-param-count": "3"}


async def test_an_old_server_gets_its_handshake_and_its_session() -> None:
    site = Site(plain, era="legacy")
    async with connected(site) as connectors:
        assert await connectors.call("work", 20.0) == {"text": "done"}
    assert site.methods() == [
        *("server/discover", "initialize", "notifications/initialized", "tools/list", "tools/call", "DELETE"),
    ]
    assert site.heard[-2].headers["mcp-protocol-version"] == "2025-06-18"
    assert "_meta" in site.heard[-2].message["params"]
    assert "mcp-method" not in site.heard[-2].headers


async def test_a_session_that_is_over_is_begun_anew_and_the_call_asked_once_more() -> None:
    site = Site(plain, era="legacy")
    async with connected(site, "write-neither", use=BELIEVED) as connectors:
        await connectors.call("work", 20.0)
        site.session = "s2"
        assert await connectors.call("work", 20.0) == {"text": "done"}
    assert site.methods().count("initialize") == 2
    done = [one for one in site.heard if one.message.get("method") == "tools/call"]
    assert [one.headers["mcp-session-id"] for one in done] == ["s1", "s1", "s2"], "the second met a forgetful server"


CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


async def test_a_list_that_is_believed_is_asked_for_again_where_the_server_says_that_it_changed() -> None:
    async def stream(heard: Heard, said: Said) -> None:
        await said.begin(kind="text/event-stream")
        if heard.message["params"]["arguments"] == {"n": 2}:
            site.tools = [{**TOOL, "description": "Something else"}]
            await said.event(CHANGED)
        await said.event(result(heard, text("done")))
        await said.end()

    site = Site(stream)
    async with connected(site, use=BELIEVED) as connectors:
        await connectors.call("work", 20.0, n=1)
        await connectors.call("work", 20.0, n=2)
        assert site.methods().count("tools/list") == 1
        with pytest.raises(Refused) as caught:
            await connectors.call("work", 20.0, n=3)
    assert caught.value.code == "tool.drifted" and site.methods().count("tools/call") == 2


async def test_calls_that_come_while_the_server_is_looked_at_share_the_next_look() -> None:
    class Slow(Site):
        async def _answer(self, heard: Heard, said: Said) -> None:
            if heard.message.get("method") == "tools/list":
                async with self.news:
                    await self.news.wait_for(lambda: go.is_set())
            await Site._answer(self, heard, said)

    go, site = asyncio.Event(), Slow(plain)
    async with connected(site) as connectors:
        calls = [asyncio.create_task(connectors.call("work", 20.0))]
        await site.until("tools/list")
        calls += [asyncio.create_task(connectors.call("work", 20.0)) for _ in range(9)]
        async with site.news:
            go.set()
            site.news.notify_all()
        await asyncio.gather(*calls)
    assert site.methods().count("tools/call") == 10
    assert site.methods().count("tools/list") <= 5


async def test_a_server_that_does_not_stop_changing_is_not_called() -> None:
    class Restless(Site):
        async def _answer(self, heard: Heard, said: Said) -> None:
            if heard.message.get("method") != "tools/list":
                return await Site._answer(self, heard, said)
            await said.begin(kind="text/event-stream")
            await said.event(CHANGED)
            await said.event(result(heard, {"tools": self.tools}))
            await said.end()

    site = Restless(plain)
    async with connected(site, "write-neither") as connectors:
        with pytest.raises(Unreachable):
            await connectors.call("work", 20.0)
    assert "tools/call" not in site.methods()


async def test_an_answer_is_found_in_a_stream_that_does_not_end() -> None:
    async def stream(heard: Heard, said: Said) -> None:
        await said.begin(kind="text/event-stream")
        await said.more(b": hello\r\nid: 1\r\n\r\n")
        await said.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
        await said.event({"jsonrpc": "2.0", "id": 10**6, "result": text("for somebody else")})
        await said.event({"jsonrpc": "2.0", "id": "q1", "method": "sampling/createMessage", "params": {}})
        await site.until_refused()
        whole = json.dumps(result(heard, text("found"))).encode()
        await said.more(b"data: " + whole[:20])
        await said.more(whole[20:] + b"\r")
        await said.more(b"\n\r\n")
        await said.until_left()

    class Refusing(Site):
        async def until_refused(self) -> None:
            async with self.news:
                await self.news.wait_for(lambda: any("error" in one.message for one in self.heard))

    site = Refusing(stream)
    async with connected(site) as connectors:
        assert await connectors.call("work", 20.0) == {"text": "found"}
    refused = next(one.message for one in site.heard if "error" in one.message)
    assert (refused["id"], refused["error"]["code"]) == ("q1", -32601)


async def status(number: int, body: str) -> Any:
    async def answer(_: Heard, said: Said) -> None:
        await said.begin(number)
        await said.more(body.encode())
        await said.end()

    return answer


@pytest.mark.parametrize(
    ("number", "body", "read", "write"),
    [
        (400, "no", Refused, Refused),
        (401, "who are you", Refused, Refused),
        (403, "", Refused, Refused),
        (429, "slow down", Unreachable, Unsure),
        (500, "", Unreachable, Unsure),
        (503, "<html>", Unreachable, Unsure),
        (302, "", Unreachable, Unsure),
        (200, "not JSON", Unreachable, Unsure),
        (200, "[]", Unreachable, Unsure),
        (200, '{"jsonrpc": "2.0", "id": 77777, "result": {}}', Unreachable, Unsure),
        (200, '{"jsonrpc": "2.0", "id": null, "error": {"code": -32602, "message": "bad"}}', Refused, Refused),
        (404, '{"jsonrpc": "2.0", "id": null, "error": {"code": -32601, "message": "no"}}', Refused, Refused),
        (200, '{"a": ' * 60 + "1" + "}" * 60, Unreachable, Unsure),
        (202, "", Unreachable, Unsure),
    ],
)
async def test_what_an_odd_answer_means(
    number: int, body: str, read: type[AutonomyError], write: type[AutonomyError]
) -> None:
    site = Site(await status(number, body))
    for effect, kind in (("read", read), ("write-neither", write)):
        async with connected(site, effect) as connectors:
            with pytest.raises(AutonomyError) as caught:
                await connectors.call("work", 20.0)
            assert type(caught.value) is kind


@pytest.mark.parametrize("effect", ["read", "write-neither"])
async def test_a_flood_ends_at_the_limit(effect: str) -> None:
    async def flood(_: Heard, said: Said) -> None:
        await said.begin(kind="text/event-stream")
        for _ in range(100):
            await said.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"x": "y" * 10_000}})
        await said.until_left()

    async with connected(Site(flood), effect, use={"maxBytes": 100_000}) as connectors:
        with pytest.raises(Unsure if effect != "read" else Refused, match="larger than 100000 bytes"):
            await connectors.call("work", 20.0)


@pytest.mark.parametrize("effect", ["read", "write-neither"])
async def test_a_server_that_hangs_is_left_in_time(effect: str) -> None:
    async def hang(_: Heard, said: Said) -> None:
        await said.begin(kind="text/event-stream")
        await said.until_left()

    async with connected(Site(hang), effect) as connectors:
        await ready(connectors)
        with pytest.raises(Unsure if effect != "read" else Unreachable):
            await connectors.call("work", 1.0)


async def test_a_stopped_call_is_cancelled_at_the_server_in_both_eras() -> None:
    for era in ("modern", "legacy"):
        left = asyncio.Event()

        async def hang(_: Heard, said: Said, left: asyncio.Event = left) -> None:
            await said.begin(kind="text/event-stream")
            await said.until_left()
            left.set()

        site = Site(hang, era=era)
        async with connected(site, "write-neither") as connectors:
            task = asyncio.create_task(connectors.call("work", 8.0))
            await site.until("tools/call")
            task.cancel()
            with pytest.raises((asyncio.CancelledError, Unsure)):
                await task
            await left.wait()
            if era == "legacy":
                told = await site.until("notifications/cancelled")
                asked = await site.until("tools/call")
                assert told.message["params"]["requestId"] == asked.message["id"]


async def test_a_lost_connection_leaves_a_write_in_doubt() -> None:
    async def drop(_: Heard, said: Said) -> None:
        await said.begin(kind="text/event-stream")
        await said.more(b"data: {")
        raise ConnectionResetError

    for effect, kind in (("read", Unreachable), ("write-neither", Unsure)):
        async with connected(Site(drop), effect) as connectors:
            with pytest.raises(kind):
                await connectors.call("work", 20.0)


async def test_a_credential_goes_to_the_declared_place_and_comes_back_nowhere() -> None:
    async def echo(heard: Heard, said: Said) -> None:
        await said.json(result(heard, text(f"you sent {heard.headers['x-key']}")))

    secret = Credential("desk-token", 1, "s3cr3t-token")
    site = Site(echo)
    use = {"credential": "desk-token", "header": "X-Key", "scheme": ""}
    async with connected(site, use=use, reveal=lambda _: secret) as connectors:
        assert await connectors.call("work", 20.0) == {"text": "you sent [credential]"}
    assert {one.headers["x-key"] for one in site.heard} == {"s3cr3t-token"}


async def test_a_credential_that_a_stream_repeats_comes_back_nowhere() -> None:
    token = "robot:s3cr3t-token"

    def stream(message: Any) -> Any:
        async def echo(heard: Heard, said: Said) -> None:
            repeated = json.dumps(message(heard, f"you sent {heard.headers['authorization']}, that is {token}"))
            await said.begin(kind="text/event-stream")
            half = repeated.index(token) + len(token) // 2
            await said.more(b"data: " + repeated[:half].encode())
            await said.more(repeated[half:].encode() + b"\n\n")
            await said.until_left()

        return echo

    def broke(heard: Heard, words: str) -> Any:
        return {"jsonrpc": "2.0", "id": heard.message["id"], "error": {"code": -32603, "message": words}}

    answers = (
        lambda heard, words: result(heard, text(words)),
        lambda heard, words: result(heard, {"content": [], "structuredContent": {"said": words, words: 1}}),
        lambda heard, words: result(heard, text(words) | {"isError": True}),
        broke,
    )
    how = {"use": {"credential": "desk-token"}, "reveal": lambda _: Credential("desk-token", 1, token)}
    for effect in ("read", "write-neither"):
        for message in answers:
            async with connected(Site(stream(message)), effect, **how) as connectors:
                try:
                    told = await connectors.call("work", 20.0)
                except AutonomyError as error:
                    told = error.as_dict()
            assert "[credential]" in str(told)
            assert not [one for one in (*spellings(token), "s3cr3t-token") if one in str(told)]


async def test_a_forbidden_address_is_not_reached() -> None:
    use = {"type": "mcp", "url": "http://127.0.0.1:9/mcp"}
    async with bench(use, pinned("work", WORK)) as connectors:
        with pytest.raises(Unreachable) as caught:
            await connectors.call("work", 20.0)
    assert caught.value.code == "egress.forbidden"
