"""Leaves as a log holds them, in any order and number: those of a life, and those that make no sense."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import insert

from autonomy.audit import make_leaf
from autonomy.audit.store import leaf
from autonomy.db import CommitQueue

HOUR = 3_600_000
START = 1_790_000_000_000

Leaf = tuple[str, int, str | None, dict[str, Any]]

_few = st.sampled_from
_actions = _few([f"act_{number}" for number in range(4)])
_runs = _few(["run_1", "run_2"])
_people = _few(["person:bea", "person:carl"])
_actors = st.one_of(_people, _few(["system", "agent:w1", "agent:w2"]))
_cases = _few(["", "c1", "c2", "c3"])


@st.composite
def _who(draw: st.DrawFn) -> dict[str, Any]:
    agent = draw(_few(["w1", "w2"]))
    said = {
        "agent": f"spiffe://acme/{agent}",
        "agent_name": agent,
        "revision": draw(_few(["r1", "r2"])),
        "unit": draw(_few(["works", "office"])),
        "roles": draw(_few([["worker"], ["worker", "boss"], []])),
        "case": draw(_cases),
    }
    return said | draw(_few([{}, {"moves": True}, {"workflow": "order", "run": "run_1"}, {"approval": "act_0"}]))


_cost = st.fixed_dictionaries({}, optional={"money": st.integers(0, 9_999), "tokens": st.integers(0, 99)})
_ending = st.fixed_dictionaries({"status": _few(["done", "failed", "unknown"]), "case": _cases, "cost": _cost})
_approval = st.fixed_dictionaries(
    {
        "event": _few(["approve", "reject", "return", "expire", "escalate", "ask_again", "remind", "finish"]),
        "state": _few(["waiting", "ready", "performed", "rejected"]),
        "actor": _actors,
        "agent": _few(["spiffe://acme/w1", "run_1"]),
    }
)
_run = st.fixed_dictionaries(
    {
        "event": _few(["started", "exception", "chosen", "paused", "ended", "told"]),
        "run": _runs,
        "workflow": _few(["order", "pay"]),
        "unit": _few(["works", "office"]),
        "status": _few(["done", "failed"]),
        "actor": _actors,
    }
)
_task = st.fixed_dictionaries(
    {
        "event": _few(["opened", "claimed", "done", "failed", "returned", "escalated", "requeued"]),
        "role": _few(["worker", "boss"]),
        "unit": st.just("works"),
        "actor": _actors,
    }
)
_verdicts = _few(["right", "wrong", "corrected"])
_label = st.fixed_dictionaries(
    {
        "verdict": _verdicts,
        "before": st.one_of(st.none(), _verdicts),
        "of": st.integers(START, START + 90 * HOUR),
        "stands": st.booleans(),
        "actor": _actors,
        "agent_name": st.just("w1"),
    }
)
_KINDS = {
    "intent": st.builds(lambda who, used: who | used, _who(), _few([{}, {"approval": "act_1"}])),
    "hold": _who(),
    "denial": _who(),
    "outcome": _ending,
    "reconcile": _ending.flatmap(lambda said: _people.map(lambda by: said | {"by": by})),
    "approval": _approval,
    "run": _run,
    "task": _task,
    "label": _label,
    "change": st.just({"actor": "person:ada"}),
}


@st.composite
def _one(draw: st.DrawFn) -> Leaf:
    kind = draw(_few(sorted(_KINDS)))
    at = START + draw(st.integers(0, 90 * HOUR))
    return kind, at, draw(_actions) if kind not in ("run", "change") else None, draw(_KINDS[kind])


logs = st.lists(_one(), max_size=40)
"""Logs of any leaves."""


def write(queue: CommitQueue, log: list[Leaf]) -> None:
    """Append the leaves."""

    def work(tx: Any) -> None:
        for kind, at, action, fields in log:
            tx.append(make_leaf(kind, at, action, **fields))  # type: ignore[arg-type]

    queue.run(work)


def as_rows(log: list[Leaf], start: int) -> Any:
    """A statement that writes leaves as they are, past the log's own tree; for counting, which only reads them."""
    rows = []
    for index, (kind, at, action, fields) in enumerate(log, start):
        body = make_leaf(kind, at, action, **fields).body  # type: ignore[arg-type]
        rows.append({"idx": index, "kind": kind, "action": action, "at": at, "body": body, "hash": b""})
    return insert(leaf).values(rows)


def text(log: list[Leaf]) -> str:
    """What a leaf says, for messages."""
    return json.dumps(log, default=str)
