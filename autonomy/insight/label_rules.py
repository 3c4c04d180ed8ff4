"""What may be said of a result, by whom, and whose word counts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound

from .explain import is_action

Verdict = Literal["right", "wrong", "corrected"]
Subject = Literal["action", "run", "task"]

CHECK = "check"
"""Who gives a label by a declared check: `check:TOOL`."""

_ACTION_ENDINGS = ("outcome", "reconcile")
_AGENT = "agent:"


@dataclass(frozen=True, slots=True)
class Work:
    """What is labelled: whose work it was, and when it was done (milliseconds). `by` is who did it; `carried` says
    whether it had arguments or the like."""

    subject: str
    kind: Subject
    of: int
    agent: str = ""
    revision: str = ""
    unit: str = ""
    workflow: str = ""
    roles: tuple[str, ...] = ()
    by: str = ""
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A label as somebody gives it. `correction` is what the result should have been; only `corrected` has one.

    `found` is what a check looked up.
    """

    verdict: Verdict
    by: str
    reason: str = ""
    correction: Json = None
    found: Json = None

    @property
    def is_check(self) -> bool:
        return self.by.startswith(f"{CHECK}:")


@dataclass(frozen=True, slots=True)
class Standing:
    """The label that counts for a subject, and how many were given in all."""

    verdict: Verdict
    by: str
    count: int


def check_given(given: Given) -> None:
    """Raise Invalid (`label.correction`) unless a correction comes with `corrected`, and with nothing else."""
    if (given.verdict == "corrected") != (given.correction is not None):
        raise Invalid(
            "what is corrected comes with its correction, and nothing else does",
            code="label.correction",
            hint="say `corrected` with what the result should have been, or `right` or `wrong` without",
        )


def stands(given: Given, before: Standing | None) -> bool:
    """Whether the new label counts: the latest does, but what a person said outranks a check."""
    return before is None or not given.is_check or before.by.startswith(f"{CHECK}:")


def work_of_action(action: str, leaves: list[dict[str, Any]]) -> Work:
    """The work that an action was. Raises NotFound where there is none, Conflict where it has not ended."""
    intent = next((leaf for leaf in leaves if leaf["kind"] == "intent"), None)
    ending = next((leaf for leaf in reversed(leaves) if leaf["kind"] in _ACTION_ENDINGS), None)
    if not is_action(leaves):
        raise NotFound(f"there is no action `{action[:40]}`", code="action.unknown")
    if intent is None or ending is None or ending["status"] not in ("done", "failed"):
        raise _not_ended("action")
    return Work(
        subject=action,
        kind="action",
        of=ending["at"],
        agent=intent["agent_name"],
        revision=intent["revision"],
        unit=intent["unit"],
        workflow=intent.get("workflow", ""),
        roles=tuple(intent["roles"]),
        by=f"{_AGENT}{intent['agent_name']}",
        carried=any(leaf.get("commitments") for leaf in leaves if leaf["kind"] != "label"),
    )


def work_of_task(task: str, leaves: list[dict[str, Any]]) -> Work:
    """The work that a task was. Raises NotFound where there is none, Conflict where it was not done."""
    if not leaves:
        raise NotFound(f"there is no task `{task[:40]}`", code="task.unknown")
    done = leaves[-1]
    if done["event"] not in ("done", "failed"):
        raise _not_ended("task")
    actor = done["actor"]
    return Work(
        subject=task,
        kind="task",
        of=done["at"],
        agent=actor.removeprefix(_AGENT) if actor.startswith(_AGENT) else "",
        unit=done.get("unit", ""),
        workflow=done.get("workflow", ""),
        roles=(done["role"],),
        by=actor,
    )


def work_of_run(run: str, row: Mapping[str, Any] | None) -> Work:
    """The work that a run was. Raises NotFound where there is none, Conflict where it has not ended."""
    if row is None:
        raise NotFound(f"there is no run `{run[:40]}`", code="workflow.unknown_run")
    if row["ended_at"] is None:
        raise _not_ended("run")
    return Work(run, "run", row["ended_at"], unit=row["unit"], workflow=row["workflow"])


def check_not_own(work: Work, by: str) -> None:
    """Raise Forbidden (`label.own`) where somebody would judge what they did themselves."""
    if work.by and work.by == by:
        raise Forbidden("nobody judges their own work", code="label.own", hint="let somebody else look at it")


def _not_ended(what: str) -> Conflict:
    return Conflict(f"the {what} has not ended", code="label.not_ended", hint="wait until there is a result to judge")
