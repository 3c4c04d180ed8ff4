"""An MCP server that misbehaves in the way its first argument names. Standard library only, so that it starts fast."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]

TOOL = {
    "name": "work",
    "description": "Work",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
}


def say(message: Message) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(asked: Message, result: Message) -> None:
    say({"id": asked["id"], "result": result})


def text(words: str) -> Message:
    return {"content": [{"type": "text", "text": words}]}


def tools(*more: Message) -> Message:
    return {"tools": [TOOL, *more]}


def hears(method: str) -> Message:
    """The next message of this method, or the next answer to a request of ours."""
    for line in sys.stdin:
        message: Message = json.loads(line)
        if message.get("method", "answer") == method:
            return message
    raise SystemExit(0)


def flood(asked: Message) -> None:
    for number in range(5_000):
        say({"method": "notifications/progress", "params": {"progressToken": 1, "progress": number}})
    answer(asked, text("after the flood"))


def chatter(asked: Message) -> None:
    for number in range(200):
        say({"method": "notifications/progress", "params": {"progressToken": 1, "progress": number}})
    sys.stdout.write("no JSON at all\n[1,2]\n\n")
    answer({"id": 9_999}, text("for somebody else"))
    answer(asked, text("at last"))


def huge(asked: Message) -> None:
    answer(asked, text("x" * 3_000_000))


def endless(_: Message) -> None:
    while True:
        sys.stdout.write("x" * 65_536)


def asks(asked: Message) -> None:
    refusals = []
    for number, method in enumerate(("sampling/createMessage", "elicitation/create", "roots/list", "ping")):
        say({"id": f"mine-{number}", "method": method, "params": {}})
        refusals.append(hears("answer"))
    answer(asked, text(json.dumps(refusals)))


def repeats(asked: Message) -> None:
    answer(asked, text("first"))
    answer(asked, text("second"))


def wrong(asked: Message) -> None:
    say({"id": asked["id"], "error": {"code": -32603, "message": "it broke\u0000 inside"}})


def unknown(asked: Message) -> None:
    say({"id": asked["id"], "error": {"code": -32602, "message": "no such tool"}})


def input_wanted(asked: Message) -> None:
    answer(asked, {"resultType": "input_required", "inputRequests": {"a": {}}, "requestState": "x"})


def failed(asked: Message) -> None:
    answer(asked, text("it broke half way") | {"isError": True})


def nothing(asked: Message) -> None:
    answer(asked, {"resultType": "task", "taskId": "1"})


def leaves(_: Message) -> None:
    raise SystemExit(0)


def children(asked: Message) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], stdout=subprocess.DEVNULL)
    answer(asked, text(f"{os.getpid()} {child.pid}"))


def runaway(asked: Message) -> None:
    """What a daemon does to be left alone: twice a child, twice a session of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(writing, str(os.getpid()).encode())
            os.closerange(0, writing + 1)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                signal.pause()
        os._exit(0)
    answer(asked, text(os.read(reading, 20).decode()))


def crowd(_: Message) -> None:
    for _ in range(300):
        if os.fork() == 0:
            signal.pause()
    signal.pause()


def asked_to_end(asked: Message) -> None:
    """Tells by a file that it was asked to end before it was killed; a closed input it does not mind."""
    file = asked["params"]["arguments"]["file"]

    def told(*_: object) -> None:
        with open(file, "w", encoding="utf-8") as made:
            made.write("asked")
        os._exit(0)

    signal.signal(signal.SIGTERM, told)
    answer(asked, text("ready"))
    while True:
        signal.pause()


def cancelled(asked: Message) -> None:
    """Tells by a file that it heard of the cancellation."""
    heard = hears("notifications/cancelled")
    with open(asked["params"]["arguments"]["file"], "w", encoding="utf-8") as file:
        file.write(json.dumps({"asked": asked["id"], "cancelled": heard["params"]["requestId"]}))


def told(asked: Message) -> None:
    answer(asked, {"content": [], "structuredContent": asked["params"]})


def deaf(_: Message) -> None:
    """Reads nothing any more and does not end when asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


MANNERS: dict[str, Callable[[Message], None]] = {
    "flood": flood,
    "chatter": chatter,
    "huge": huge,
    "endless": endless,
    "asks": asks,
    "repeats": repeats,
    "wrong": wrong,
    "unknown": unknown,
    "input": input_wanted,
    "failed": failed,
    "nothing": nothing,
    "leaves": leaves,
    "children": children,
    "runaway": runaway,
    "crowd": crowd,
    "asked-to-end": asked_to_end,
    "cancelled": cancelled,
    "told": told,
    "deaf": deaf,
}


def listing(manner: str, asked: Message) -> Message:
    if manner == "list-endless":
        return tools({**TOOL, "name": f"t{asked['id']}"}) | {"nextCursor": f"c{asked['id']}"}
    if manner == "list-twice":
        return tools(TOOL)
    if manner == "list-broken":
        return tools({"name": "no schema"})
    if manner == "list-large":
        return tools({**TOOL, "name": "large", "description": "x" * 100_000})
    return tools()


def main(manner: str) -> None:
    if manner == "ends-at-once":
        return
    for line in sys.stdin:
        message: Message = json.loads(line)
        match message.get("method"):
            case "server/discover" if manner == "modern":
                answer(message, {"supportedVersions": ["2026-07-28"], "capabilities": {}})
            case "initialize":
                version = "1999-01-01" if manner == "old" else "2025-11-25"
                answer(message, {"protocolVersion": version, "capabilities": {}, "serverInfo": {}})
            case "tools/list":
                answer(message, listing(manner, message))
            case "tools/call":
                MANNERS[manner](message)
            case _ if "id" in message:
                say({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})


if __name__ == "__main__":
    main(sys.argv[1])
