"""The caller leaves before its answer is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from autonomy.gate import Reply, Request
from autonomy.kernel.errors import Invalid, TooLarge
from autonomy.protocols.asgi import Disconnected, Incoming

from .wires import DONE, META, VERSION, Response, Wires, base_headers, encoded, exchange

MODERN = {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "slow"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "_meta": META}}
OLD_CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow"}}


class Slow:
    """A call that ends when the test says so, and knows how it ended."""

    def __init__(self) -> None:
        self.begun, self.go, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.cancelled = False

    async def __call__(self, _: Request) -> Reply:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        return DONE


async def leave(path: str, body: Any, headers: dict[str, str], finish: bool) -> tuple[Slow, Response]:
    """Call something slow, leave while it runs; `finish` lets it come to its end afterwards."""
    wires, slow, left = Wires(), Slow(), asyncio.Event()
    wires.door.says["slow"] = slow
    sent = exchange(wires.app, "POST", path, encoded(body), base_headers() | headers, left)
    calling = asyncio.create_task(sent)
    await slow.begun.wait()
    left.set()
    if finish:
        slow.go.set()
    response = await asyncio.wait_for(calling, 60)
    await slow.ended.wait()
    return slow, response


@pytest.mark.parametrize(
    ("path", "body", "headers"), [("/mcp", CALL, MODERN), ("/v1/actions", {"tool": "slow", "arguments": {}}, {})]
)
def test_leaving_cancels_the_call(path: str, body: Any, headers: dict[str, str]) -> None:
    slow, response = asyncio.run(leave(path, body, headers, finish=False))
    assert slow.cancelled
    assert response.status == 0, "nothing may be sent after that"


def test_a_lost_connection_of_the_old_era_cancels_nothing() -> None:
    slow, response = asyncio.run(leave("/mcp", OLD_CALL, {"mcp-protocol-version": "2025-11-25"}, finish=True))
    assert not slow.cancelled
    assert response.status == 200


def test_staying_gets_the_answer() -> None:
    async def stay() -> Response:
        wires, slow = Wires(), Slow()
        wires.door.says["slow"] = slow
        slow.go.set()
        return await exchange(wires.app, "POST", "/mcp", encoded(CALL), base_headers() | MODERN)

    assert asyncio.run(stay()).status == 200


def test_a_timeout_of_the_work_itself_is_not_taken_for_a_leaving() -> None:
    async def late() -> None:
        raise TimeoutError("too late")

    async def run() -> None:
        with pytest.raises(TimeoutError, match="too late"):
            await incoming([]).unless_gone(late())

    asyncio.run(run())


def test_who_leaves_within_the_body_gets_no_answer() -> None:
    async def run() -> None:
        with pytest.raises(Disconnected):
            await incoming([(b'{"a"', True)]).body()

    asyncio.run(run())


def test_a_body_in_pieces_is_put_together() -> None:
    pieces = [(b'{"a"', True), (b"", True), (b":1}", False)]
    assert asyncio.run(incoming(pieces).body()) == b'{"a":1}'


def test_a_body_in_pieces_is_bounded_too() -> None:
    with pytest.raises(TooLarge):
        asyncio.run(incoming([(b"x" * 10, True)] * 100).body(64))


def test_a_body_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autonomy.protocols.asgi.BODY_SECONDS", 0.01)

    async def run() -> None:
        with pytest.raises(Invalid, match="seconds"):
            await incoming([(b"x", True)], stays=True).body()

    asyncio.run(run())


def incoming(pieces: list[tuple[bytes, bool]], stays: bool = False) -> Incoming:
    """A request whose body comes in `pieces`; afterwards the caller leaves, or `stays` and says nothing."""
    left = list(pieces)

    async def receive() -> Any:
        if left:
            body, more = left.pop(0)
            return {"type": "http.request", "body": body, "more_body": more}
        if stays or not pieces:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Incoming({"method": "POST", "path": "/", "query_string": b"", "headers": []}, receive)
