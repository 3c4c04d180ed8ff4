"""AGT's PolicyEngine with the rules of the bench organisation, in a process and an environment of its own.

The rules are those of `bench.organisation` in AGT's words, by priority: what denies before what asks before what
allows. Its engine answers from memory; nothing is written down.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.questions import Asked

from .environment import python_with

PACKAGE, VERSION = "agent-governance-toolkit-core", "5.0.0"
NAME = f"AGT PolicyEngine {VERSION}"

_PROCESS = Path(__file__).with_name("agt_process.py")
_EFFECTS = {"allow": "allow", "require_approval": "hold", "deny": "deny"}

_RULES = (
    ("permit", "tool == '{}'", "allow", 10),
    ("ask", "tool == '{}' and amount >= 10000", "require_approval", 20),
    ("never", "tool == '{}' and cost > 5000000", "deny", 30),
    ("item", "tool == '{}' and item == 'x'", "deny", 30),
    ("many", "tool == '{}' and quantity > 1000", "deny", 30),
)
"""Name, condition, action and priority of the rules about one tool."""


class Engine:
    """The running engine; `close` it. Raises NotInstallable."""

    def __init__(self, tools: Sequence[str], rules: int) -> None:
        python = python_with(PACKAGE, VERSION)
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", str(_PROCESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._send(list(_rules(tools, rules)))

    def block(self, asked: Sequence[Asked]) -> list[float]:
        """The milliseconds of each, as its own process measures them."""
        self._send([_question(one) for one in asked])
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        effects = [_EFFECTS[action] for action in answer["actions"]]
        if effects != [one.effect for one in asked]:
            raise AssertionError("AGT's engine decided otherwise")
        milliseconds: list[float] = answer["ms"]
        return milliseconds

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()


def _rules(tools: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """`count` rules: five for each tool, the others for every tool."""
    for tool in tools:
        for name, condition, action, priority in _RULES:
            yield _rule(f"{name}-{tool}", condition.format(tool), action, priority)
    for number in range(count - len(tools) * len(_RULES)):
        yield _rule(f"global-{number}", f"cost > {6_000_000 + number}", "deny", 30)


def _rule(name: str, condition: str, action: str, priority: int) -> dict[str, Any]:
    return {"name": name, "condition": condition, "action": action, "priority": priority}


def _question(asked: Asked) -> dict[str, Any]:
    question = asked.question
    context = {"tool": question.tool, "cost": question.cost, **question.arguments}
    return {"agent": question.principals[0], "context": context}
