"""The waterfall of a case: what happened in it, when each part began and ended, and what it was a part of. Pure.

Everything in it is read from leaves. A span that has no `ended_at` was under way when it was read; one that ends when
it begins is an instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .explain import state_of
from .model import Leaves

SpanKind = Literal["run", "task", "handoff", "exception", "steering", "action", "policy", "approval", "wait", "perform"]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a case. `parent` is the id of the span it belongs to; `leaves` are indices in the log.

    `who` acted: an agent's name, `person:NAME`, or the role that was asked. `what` is the tool, the event, or the
    workflow. `state` is how it ended or stands. `step` is the path of the step of a run that it belongs to. Times are
    milliseconds.
    """

    id: str
    kind: SpanKind
    parent: str | None
    who: str
    what: str
    state: str
    at: int
    ended_at: int | None
    leaves: tuple[int, ...]
    policies: tuple[str, ...] = ()
    code: str | None = None
    money: int | None = None
    step: str | None = None


@dataclass(slots=True)
class _Action:
    """What has been read of one action so far."""

    id: str
    leaves: Leaves = field(default_factory=list)

    def of(self, *kinds: str) -> Leaves:
        return [one for one in self.leaves if one[1]["kind"] in kinds]


def spans(leaves: Iterable[tuple[int, Mapping[str, Any]]]) -> list[Span]:
    """The spans of a case by the time they began, those that others belong to first."""
    told = [(index, dict(leaf)) for index, leaf in sorted(leaves, key=lambda one: one[0])]
    runs = _grouped(told, "run", "run")
    tasks = _grouped(told, "task", "action")
    actions = _grouped([one for one in told if one[1]["kind"] != "task"], None, "action")
    found = [span for id, own in runs.items() for span in _run(id, own)]
    found += [span for id, own in tasks.items() for span in _task(id, own)]
    found += [span for id, own in actions.items() for span in _action(_Action(id, own))]
    known = {span.id for span in found}
    whole = [span if span.parent in known else replace(span, parent=None) for span in found]
    return sorted(whole, key=lambda span: (span.at, span.leaves[0], _DEPTH[span.kind]))


_DEPTH: dict[SpanKind, int] = {
    "run": 0,
    "task": 1,
    "handoff": 3,
    "exception": 3,
    "steering": 3,
    "action": 2,
    "policy": 3,
    "approval": 3,
    "wait": 3,
    "perform": 3,
}


def _grouped(leaves: Leaves, kind: str | None, field: str) -> dict[str, Leaves]:
    found: dict[str, Leaves] = {}
    for index, leaf in leaves:
        if (kind is None or leaf["kind"] == kind) and isinstance(leaf.get(field), str):
            found.setdefault(str(leaf[field]), []).append((index, leaf))
    return found


def _run(run: str, leaves: Leaves) -> Iterator[Span]:
    begun: Any = leaves[0][1]
    ended: Any = next((leaf for _, leaf in reversed(leaves) if leaf["event"] == "ended"), None)
    state = str(ended["status"]) if ended else "running"
    at, end = begun["at"], ended["at"] if ended else None
    yield Span(run, "run", None, begun.get("actor", ""), begun.get("workflow", ""), state, at, end, _indices(leaves))
    for index, leaf in leaves:
        said: Any = leaf
        if said["event"] == "exception":
            who = said.get("person") or said.get("role") or ""
            found = _instant(f"{run}/{index}", "exception", run, who, said["exception"], said["at"], index)
            yield replace(found, step=_path(run, said.get("command", "")))
        elif said["event"] in STEERED:
            yield _instant(f"{run}/{index}", "steering", run, said.get("actor", ""), _steered(said), said["at"], index)


STEERED = frozenset({"paused", "resumed", "cancelled", "prioritised", "chosen", "migrated"})
"""What people do to a run."""


def _steered(leaf: Any) -> str:
    return " ".join(str(leaf[name]) for name in ("event", "choice", "priority") if leaf.get(name))


def _path(run: str, command: str) -> str | None:
    """The step that a command of the run belongs to: `RUN:PATH:ATTEMPT`; None where it is about the run as a whole."""
    return command.removeprefix(f"{run}:").partition(":")[0] or None


def _task(task: str, leaves: Leaves) -> Iterator[Span]:
    begun: Any = leaves[0][1]
    last: Any = leaves[-1][1]
    is_over = last["event"] in OVER
    end = last["at"] if is_over else None
    what, at, step = begun["event"], begun["at"], begun.get("step")
    yield Span(task, "task", begun.get("run"), begun["role"], what, last["event"], at, end, _indices(leaves), step=step)
    for index, leaf in leaves[1:]:
        said: Any = leaf
        if said["event"] not in OVER:
            yield _instant(f"{task}/{index}", "handoff", task, said["actor"], said["event"], said["at"], index)


OVER = frozenset({"done", "failed", "withdrawn"})


def _instant(id: str, kind: SpanKind, parent: str, who: str, what: str, at: int, index: int) -> Span:
    return Span(id, kind, parent, who, what, what, at, at, (index,))


def _action(action: _Action) -> Iterator[Span]:
    decisions = action.of("hold", "intent", "denial")
    if not decisions:
        return
    first: Any = decisions[0][1]
    state, end = state_of(action.leaves), _ended_at(action)
    parent = first.get("parent") or first.get("task") or first.get("run")
    last: Any = action.leaves[-1][1]
    yield Span(
        action.id,
        "action",
        parent,
        first.get("agent_name") or first["agent"],
        first["tool"],
        state,
        first["at"],
        end,
        _indices(action.leaves),
        code=last.get("code"),
        money=_money(action),
        step=first.get("step"),
    )
    yield from (_policy(action.id, index, leaf) for index, leaf in decisions)
    yield from _waiting(action)
    yield from _performing(action)


def _policy(action: str, index: int, leaf: Any) -> Span:
    decided = leaf["decision"]
    effect, rules = decided.get("effect", "deny"), tuple(decided.get("policies", ()))
    found = _instant(f"{action}/{index}", "policy", action, "", effect, leaf["at"], index)
    return replace(found, policies=rules, code=leaf.get("code"))


def _waiting(action: _Action) -> Iterator[Span]:
    """From when people were asked until they had answered, and from then until it began."""
    for position, (index, leaf) in enumerate(action.leaves):
        if leaf["kind"] != "hold":
            continue
        held: Any = leaf
        after = _until_next_hold(action.leaves[position + 1 :])
        answers = [(at, one) for at, one in after if one["kind"] == "approval"]
        begun: Any = next((one for _, one in after if one["kind"] in ("intent", "denial")), None)
        answer: Any = answers[-1][1] if answers else None
        is_over = answer is not None and (
            begun is not None or answer["event"] in ("reject", "return", "expire", "withdraw")
        )
        asked = ", ".join(dict.fromkeys(ask["role"] for ask in held.get("asks", ())))
        told = tuple(at for at, _ in answers)
        state = str(answer["event"]) if answer else "waiting"
        end = answer["at"] if is_over else None
        yield Span(
            f"{action.id}/{index}/approval", "approval", action.id, asked, state, state, held["at"], end, (index, *told)
        )
        if begun is not None and answer is not None:
            at = answer["at"]
            end = max(at, begun["at"])
            yield Span(f"{action.id}/{index}/wait", "wait", action.id, "", "taken up", "done", at, end, told)


def _until_next_hold(leaves: Leaves) -> Leaves:
    for position, (_, leaf) in enumerate(leaves):
        if leaf["kind"] == "hold":
            return leaves[:position]
    return leaves


def _performing(action: _Action) -> Iterator[Span]:
    for index, leaf in action.of("intent"):
        begun: Any = leaf
        ended: Any = next(((at, one) for at, one in action.of("outcome") if at > index), None)
        known = (index,) if ended is None else (index, ended[0])
        state = "running" if ended is None else ended[1]["status"]
        end = None if ended is None else ended[1]["at"]
        yield Span(
            f"{action.id}/{index}/perform", "perform", action.id, "", begun["tool"], state, begun["at"], end, known
        )


def _ended_at(action: _Action) -> int | None:
    if state_of(action.leaves) in ("held", "running"):
        return None
    last: Any = action.leaves[-1][1]
    return int(last["at"])


def _money(action: _Action) -> int | None:
    """What it came to; the worst case while nobody knows."""
    for _, leaf in reversed(action.leaves):
        said: Any = leaf.get("cost") or {}
        if "money" in said:
            return int(said["money"])
    return None


def _indices(leaves: Sequence[tuple[int, Any]]) -> tuple[int, ...]:
    return tuple(index for index, _ in leaves)
