"""AGT's `PolicyEngine` as a process that answers blocks of questions. Runs in AGT's own virtual environment.

Reads JSON lines: first the rules, then a list of questions (`agent`, `context`) at a time. Answers each list with the
milliseconds (`ms`) and the outcome (`actions`) of every question.
"""

import json
import logging
import sys
import time
from typing import Any

from agentmesh.governance.policy import Policy, PolicyEngine, PolicyRule  # type: ignore[import-not-found]


def main() -> None:
    logging.disable(logging.CRITICAL)
    engine = PolicyEngine()
    rules = [PolicyRule(**rule) for rule in json.loads(sys.stdin.readline())]
    engine.load_policy(Policy(name="bench", agents=["*"], rules=rules))
    for line in sys.stdin:
        print(json.dumps(answer(engine, json.loads(line))), flush=True)


def answer(engine: PolicyEngine, questions: list[dict[str, Any]]) -> dict[str, list[Any]]:
    milliseconds, actions = [], []
    for question in questions:
        started = time.perf_counter()
        decision = engine.evaluate(question["agent"], question["context"])
        milliseconds.append((time.perf_counter() - started) * 1000)
        actions.append(decision.action)
    return {"ms": milliseconds, "actions": actions}


if __name__ == "__main__":
    main()
