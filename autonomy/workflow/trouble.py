"""What is done when a step does not go as it should: again, by another rule, or a person is asked. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from . import paths
from .definition import Handler, Retry, TaskWork
from .model import RaiseException, SetTimer
from .turn import TWICE, Turn

CHOICES = ("retry", "edit", "skip", "compensate", "cancel")
RUN_CHOICES = ("skip", "compensate", "cancel")
RESULT_CHOICES = ("edit", "compensate", "cancel")
KNOWN_CHOICES = ("edit", "skip", "cancel")
"""While a run is undone: the step was done, with this output; it was not done; leave everything as it is."""

UNDO_CHOICES = ("retry", "edit", "skip", "cancel")

_MAY_PASS = frozenset({"failed", "child"})
"""Kinds for which a step is tried again by its `retry`. Others need a person, or would do something twice."""


def trouble(turn: Turn, path: str, kind: str, reason: str, again: bool = True, detail: Json = None) -> None:
    """The step at `path` has met an exception of this kind."""
    found, step = turn.change(path, trouble=kind), turn.step(path)
    for inner in turn.inside(path):
        turn.abandon(inner)
    if turn.state.status != "running":
        raise_exception(turn, path, kind, reason, Handler((), "ask", turn.definition.escalation), detail)
        return
    tried = found.attempt - found.interrupted - turn.state.removed.get(path, 0)
    if again and kind in _MAY_PASS and step.retry is not None and tried < step.retry.attempts:
        _again_later(turn, path, step.retry, tried)
        return
    handler = next((one for one in step.handlers if not one.kinds or kind in one.kinds), None)
    if handler is None or (handler.then == "reassign" and _was_given_to(turn, path) == handler.role):
        handler = Handler((), "ask", turn.definition.escalation)
    _handle(turn, path, handler, kind, reason, detail)


def raise_exception(
    turn: Turn, path: str, kind: str, reason: str, handler: Handler, detail: Json = None, part: str = ""
) -> None:
    """Ask a person what to do, and let the step wait for the answer."""
    found = turn.state.steps[path]
    # What a tool does may still become known after its time: then nobody needs to decide any more.
    main = turn.id(path)
    for id in found.open:
        if id != main or kind not in ("overdue", "unknown"):
            turn.withdraw(id)
    kept = tuple(id for id in found.open if id == main and kind in ("overdue", "unknown"))
    turn.change(path, state="blocked", trouble=kind, open=kept)
    going_on = turn.state.status == "running" and not part
    choices = CHOICES if going_on else KNOWN_CHOICES
    id = turn.id(path, part or f"{kind}.exception")
    told = RaiseException(id, path, kind, reason, handler.role, handler.person, choices, detail)
    turn.order(told, path)


def tried_before(turn: Turn, path: str) -> bool:
    """Whether nobody knows how an earlier attempt of the step ended."""
    return any(id != turn.id(path) for id in turn.unsure_of(path))


def ask_whether_done(turn: Turn, path: str, reason: str, detail: Json = None, kind: str = "unknown") -> None:
    """Ask the workflow's escalation role about a step that is undone only if it was done."""
    asked = Handler((), "ask", turn.definition.escalation)
    raise_exception(turn, path, kind, reason, asked, detail, part="known.exception")


def raise_for_run(
    turn: Turn, kind: str, reason: str, part: str, choices: tuple[str, ...] = RUN_CHOICES, detail: Json = None
) -> None:
    """Ask the workflow's escalation role about the run as a whole; what can go on goes on meanwhile. Where it has ended
    they are only told."""
    role, goes_on = turn.definition.escalation, not turn.state.ended
    told = RaiseException(turn.id("", part), "", kind, reason, role, None, choices if goes_on else (), detail)
    turn.order(told, awaited=goes_on)


def unseen(turn: Turn) -> tuple[str, ...]:
    """The exceptions that somebody has to have seen before the run ends."""
    places = ((id, paths.place(turn.state.run, id)) for id in turn.state.open)
    return tuple(id for id, place in places if place is not None and place.part.startswith(TWICE))


def stop(turn: Turn, cap: str, reason: str) -> None:
    """A cap is reached: the run ends, and the escalation role is told."""
    role = turn.definition.escalation
    told = RaiseException(turn.id("", f"cap.{cap}"), "", "cap", reason, role)
    turn.order(told, awaited=False)
    turn.end("stopped", f"cap.{cap}")


def _handle(turn: Turn, path: str, handler: Handler, kind: str, reason: str, detail: Json) -> None:
    if handler.then == "ask":
        raise_exception(turn, path, kind, reason, handler, detail)
    elif handler.then == "reassign":
        assert handler.role is not None  # whoever is to have it is said
        given = replace(turn.state.steps[path].given, role=handler.role, returned=reason)
        turn.change(path, given=given)
        turn.leave(path, "begin")
    elif handler.then == "skip":
        turn.leave(path, "skipped")
    elif handler.then == "compensate":
        turn.state.reason = f"{path}: {reason}"
        if kind == "unknown":  # it is undone only if it was done, and a person has to say
            ask_whether_done(turn, path, reason, detail)
        turn.queue.appendleft(("compensate", ""))
    else:
        turn.end("failed", f"{path}: {reason}")


def _again_later(turn: Turn, path: str, retry: Retry, attempt: int) -> None:
    for id in turn.state.steps[path].open:
        turn.withdraw(id)
    wait = min(retry.wait * retry.factor ** (attempt - 1), retry.longest)
    turn.change(path, state="retrying", open=())
    turn.order(SetTimer(turn.id(path, "retry"), turn.at + wait), path)


def _was_given_to(turn: Turn, path: str) -> str:
    return turn.state.steps[path].given.role if isinstance(turn.step(path).work, TaskWork) else ""
