"""A program: a Python script that keeps a journal, and behaves as a file tells it."""

from __future__ import annotations

from typing import Any

from autonomy.tools.conformance import Candidate

from .place import INPUT, NOTE, Place
from .script import Script

SCRIPT = """
import json, os, signal, sys

told = json.load(sys.stdin)
how = open("how").read()
with open("calls", "a") as calls:
    calls.write("x")
action, task = os.environ["AUTONOMY_ACTION"], sys.argv[1]
assert told["action"] == action and sys.argv[2] == "note=" + told["arguments"]["note"]
if how == "hang":
    if os.fork() == 0:
        signal.pause()  # what it has started is killed with it
    signal.pause()
if how in ("refuse", "stale", "leak"):
    print("no", os.environ["PASSWORD"], file=sys.stderr)
    print(os.environ["PASSWORD"])
    sys.exit({"refuse": 3, "stale": 4, "leak": 3}[how])
done = open("done").read().split()
if task == "ask" and action not in done:
    sys.exit(5)
if task == "take" and action not in done:
    with open("done", "a") as journal:
        journal.write(action + " ")
if how == "break":
    os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps({"note": "x" * 100_000 if how == "flood" else "taken", "password": os.environ["PASSWORD"]}))
"""


def running(task: str, **more: Any) -> dict[str, Any]:
    arguments = ["plant.py", task, "note={note}"]
    return {"run": {"arguments": arguments, "stdin": "arguments", "refused": [3], "stale": [4], **more}}


async def make_process(place: Place) -> Candidate:
    script = Script(place, "plant.py", SCRIPT)
    return Candidate(
        name="process",
        use={
            "type": "process",
            "program": str(script.program),
            "credential": "password",
            "credentialVariable": "PASSWORD",
            "maxBytes": 10_000,
        },
        read={"call": running("read"), "input": INPUT},
        write={
            "call": running("take"),
            "input": INPUT,
            "effect": "write-queryable",
            "reconcile": running("ask", absent=[5]),
        },
        arguments=NOTE,
        system=script,
        folder=place.folder,
        programs=[str(script.program)],
    )
