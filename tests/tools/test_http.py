"""HTTP connectors against real servers on this machine: good, slow, gone, lying, huge, redirecting."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Invocation, Refused, Unreachable, Unsure
from autonomy.tools.credential import Credential
from autonomy.tools.errors import Stale

from .organisations import Bench, arguments, connector, invocation, tool

Handler = Callable[[Any], Awaitable[web.StreamResponse]]

CANARY = "tok-canary/with+odd=chars"


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on 127.0.0.1 that answers everything with `handler`; yields its port."""
    server = web.Server(handler)
    runner = web.ServerRunner(server, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None and isinstance(site._server, asyncio.Server)
    yield site._server.sockets[0].getsockname()[1]
    await runner.cleanup()


def bench(port: int, request: dict[str, Any], effect: str = "read", **use: Any) -> Bench:
    settings = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}/api", "allow": ["127.0.0.1/32"], **use}
    properties = {"id": "string", "note": "string", "q": "string", "n": "integer"}
    call = {"request": {"method": "GET", "path": "/things", **request}}
    return Bench(
        connector("erp", **settings),
        tool("t", call=call, effect=effect, input=arguments(**properties)),
        reveal=lambda name: Credential(name, 1, CANARY),
    )


def ask(handler: Handler, request: dict[str, Any], effect: str = "read", deadline: float = 30.0, **how: Any) -> Any:
    """The value of one call to a server that answers with `handler`."""
    use = how.pop("use", {})

    async def once() -> Any:
        async with serving(handler) as port, bench(port, request, effect, **use) as made:
            return await made.call("t", deadline, **how)

    return asyncio.run(once())


def answering(status: int = 200, body: Any = None, text: str | None = None, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if text is not None:
            return web.Response(status=status, text=text, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


async def echo(request: web.Request) -> web.Response:
    body = (await request.read()).decode()
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "headers": dict(request.headers), "body": body}
    )


POST = {"method": "POST", "body": "arguments"}


def test_arguments_go_into_path_query_and_body_each_once() -> None:
    request = {"method": "POST", "path": "/things/{id}", "query": {"q": "q", "ref": "action_id"}, "body": "arguments"}
    said = ask(echo, request, "write-neither", id="a/b c", q="x&y", note="hi", n=2)
    assert said["path"] == "/api/things/a%2Fb%20c?q=x%26y&ref=act_1"
    assert json.loads(said["body"]) == {"note": "hi", "n": 2}


def test_the_idempotency_header_carries_the_action_id() -> None:
    said = ask(echo, {**POST, "idempotencyHeader": "Idempotency-Key"}, "write-keyed")
    assert said["headers"]["Idempotency-Key"] == "act_1"


@pytest.mark.parametrize("value", ["..", ".", "../x", "a/../b", "a\\..\\b", "", "a\nb", "a//b"])
def test_a_path_argument_cannot_lead_elsewhere(value: str) -> None:
    with pytest.raises(Refused):
        ask(echo, {"path": "/things/{id}"}, id=value)


def test_the_credential_stands_in_the_declared_header_and_comes_back_to_nobody() -> None:
    seen: list[str] = []

    async def record(request: web.Request) -> web.Response:
        seen.append(request.headers["X-Key"])
        return await echo(request)

    said = ask(record, {}, use={"credential": "erp-key", "header": "X-Key", "scheme": ""})
    assert seen == [CANARY]
    assert said["headers"]["X-Key"] == "[credential]"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_client_error_is_a_definite_refusal(status: int) -> None:
    with pytest.raises(Refused) as caught:
        ask(answering(status, {"error": f"no {CANARY}\u202e"}), POST, "write-neither", use={"credential": "k"})
    assert CANARY not in str(caught.value.as_dict()) and "\u202e" not in str(caught.value)


def test_a_failed_precondition_means_the_record_is_stale() -> None:
    with pytest.raises(Stale):
        ask(answering(412), POST, "write-neither")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 408, 425, 429, 500, 502, 503, 504])
def test_an_indefinite_answer_leaves_a_write_in_doubt_and_fails_a_read(status: int) -> None:
    with pytest.raises(Unsure):
        ask(answering(status), POST, "write-neither")
    with pytest.raises(Unreachable):
        ask(answering(status), {})


def test_text_is_returned_as_text_and_nothing_as_nothing() -> None:
    assert ask(answering(text="plain"), {}) == {"text": "plain"}
    assert ask(answering(204, text=""), {}) is None


@pytest.mark.parametrize("lie", ['{"a": 1, "a": 2}', "{", '{"a": NaN}', "[" * 5_000, '{"a": 1e999}'])
def test_json_that_lies_fails_a_read_and_leaves_a_write_in_doubt(lie: str) -> None:
    async def lying(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text=lie, content_type="application/json")

    with pytest.raises(Unreachable):
        ask(lying, {})
    with pytest.raises(Unsure):
        ask(lying, POST, "write-neither")


def test_an_answer_larger_than_the_cap_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 10_000)
        return response

    with pytest.raises(Refused):
        ask(endless, {}, use={"maxBytes": 50_000})
    with pytest.raises(Unsure):
        ask(endless, POST, "write-neither", use={"maxBytes": 50_000})


def test_a_compressed_bomb_counts_by_what_it_becomes() -> None:
    async def bomb(request: web.Request) -> web.Response:
        response = web.Response(body=b"0" * 5_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    with pytest.raises((Refused, Unreachable)):
        ask(bomb, {}, use={"maxBytes": 100_000})


def test_a_silent_server_is_left_at_the_deadline() -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    with pytest.raises(Unreachable) as caught:
        ask(silent, {}, deadline=0.2)
    assert caught.value.code == "upstream.overdue"
    with pytest.raises(Unsure):
        ask(silent, POST, "write-neither", deadline=0.2)


def test_a_server_that_hangs_up_leaves_a_write_in_doubt() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(Unreachable):
        ask(hang_up, {})
    with pytest.raises(Unsure):
        ask(hang_up, POST, "write-neither")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_a_write_is_never_sent_twice_by_the_client_itself(method: str) -> None:
    arrivals: list[str] = []

    async def hang_up(request: web.Request) -> web.Response:
        arrivals.append(request.method)
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    with pytest.raises(Unsure):
        ask(hang_up, {"method": method}, "write-neither")
    assert arrivals == [method]


def test_nobody_listening_means_that_nothing_was_sent() -> None:
    async def once() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with bench(taken.getsockname()[1], POST, "write-neither") as made:
                await made.call("t")

    with pytest.raises(Unreachable):
        asyncio.run(once())


def test_a_read_follows_a_redirect_on_the_same_server_and_keeps_the_credential() -> None:
    async def hop(request: web.Request) -> web.Response:
        if request.path == "/api/things":
            raise web.HTTPFound("/elsewhere")
        return web.json_response({"came": request.headers.get("Authorization", "")})

    assert ask(hop, {}, use={"credential": "k"}) == {"came": "Bearer [credential]"}


def test_redirects_come_to_an_end() -> None:
    async def loop(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.path)

    with pytest.raises(Unreachable) as caught:
        ask(loop, {})
    assert caught.value.code == "upstream.redirect"


def test_a_redirect_to_another_origin_does_not_carry_the_credential() -> None:
    seen: list[str | None] = []

    async def other(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({})

    async def hop(request: web.Request) -> web.Response:
        port = request.host.rpartition(":")[2]
        if request.host.startswith("127.0.0.1"):
            raise web.HTTPFound(f"http://localhost:{port}/x")
        return await other(request)

    ask(hop, {}, use={"credential": "k", "allow": ["127.0.0.0/8", "::1/128"]})
    assert seen == [None]


def test_a_redirect_to_a_forbidden_address_is_not_followed() -> None:
    targets = ["http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd", "//0x7f.1/"]
    for target in targets:

        async def hop(request: web.Request, target: str = target) -> web.Response:
            raise web.HTTPFound(target)

        with pytest.raises(AutonomyError) as caught:
            ask(hop, {})
        assert caught.value.code in ("egress.forbidden", "upstream.redirect"), target


def test_cancelling_a_call_ends_it_at_once() -> None:
    async def once() -> None:
        arrived = asyncio.Event()

        async def silent(request: web.Request) -> web.Response:
            arrived.set()
            await asyncio.Event().wait()
            return web.Response()

        async with serving(silent) as port, bench(port, POST, "write-neither") as made:
            task = asyncio.create_task(made.call("t", 30.0))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(asyncio.wait_for(once(), 60))


# Bodies, queries and answers of the other system's own shape ------------------------------------------------------


def test_a_body_of_its_own_carries_the_arguments_where_it_says() -> None:
    body = {"reference": "{action_id}", "lines": [["create", [{"quantity": "{n}", "note": "{note}"}]]], "by": "{agent}"}
    said = ask(echo, {"method": "POST", "body": body}, "write-neither", n=2)
    agent = invocation().agent
    assert json.loads(said["body"]) == {"reference": "act_1", "lines": [["create", [{"quantity": 2}]]], "by": agent}
    assert said["headers"]["Content-Type"] == "application/json"


def test_a_query_carries_fixed_values_and_json_as_text_or_base64() -> None:
    query = {
        "f": {"fixed": ["name", "code"]},
        "s": {"fixed": "20"},
        "j": {"asJson": {"id": "{id}"}},
        "d": {"asBase64": [["name", "=", "{q}"]]},
        "n": "n",
    }
    said = ask(echo, {"query": query}, id="a&b", q='"]],[["x')
    asked = parse_qsl(said["path"].partition("?")[2])
    assert asked[:4] == [("f", "name"), ("f", "code"), ("s", "20"), ("j", '{"id":"a&b"}')]
    assert json.loads(base64.urlsafe_b64decode(asked[4][1])) == [["name", "=", '"]],[["x']]
    assert len(asked) == 5


def test_every_request_carries_the_connectors_own_headers() -> None:
    said = ask(echo, {}, use={"headers": {"X-Requested-With": "rest"}})
    assert said["headers"]["X-Requested-With"] == "rest"


def test_each_agent_has_a_credential_of_its_own_where_the_name_says_so() -> None:
    asked: list[str] = []

    def reveal(name: str) -> Credential:
        asked.append(name)
        return Credential(name, 1, f"key of {name}")

    async def twice() -> list[str]:
        async with serving(echo) as port, bench(port, {}, credential="erp.{agent}", scheme="") as made:
            made.reveal = reveal
            tool, seen = made.tool("t"), []
            for agent in ("buyer-1", "buyer-2", "buyer-1"):
                result = await made.connectors.call(tool, {}, Invocation("act_1", agent, 5.0))
                seen.append(result.value["headers"]["Authorization"])
            return seen

    assert asyncio.run(twice()) == ["[credential]"] * 3
    assert asked == ["erp.buyer-1", "erp.buyer-2"]


def test_what_is_kept_of_an_answer_is_what_the_fields_name() -> None:
    answer = answering(200, [{"id": 7, "party": {"name": "x"}, "secretly": 1}])
    assert ask(answer, {"fields": {"id": "/id", "name": "/party/name"}}) == {"rows": [{"id": 7, "name": "x"}]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"detail": "no such thing", "title": "Nothing"}, "no such thing"),
        ({"status": 400, "message": "you may not", "description": ""}, "you may not"),
        ({"error": {"status": 403, "msg": "not yours"}}, "not yours"),
        ({"error": "flat"}, "flat"),
        ({"unknown": "shape"}, '{"unknown": "shape"}'),
        (["a", "list"], '["a", "list"]'),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_other_system(body: Any, told: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(answering(400, body), POST, "write-neither")
    assert caught.value.message == f"`erp` refused with status 400: {told}"
