"""Checkpoints as people are asked about them: a hold that no action waits behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autonomy.approvals import Behind, NewHold, requesters
from autonomy.kernel import canonical
from autonomy.kernel.errors import Forbidden
from autonomy.policy.model import Ask

from . import paths
from .definition import ApprovalWork, Definition
from .desk import Known
from .events import Chosen
from .model import AskApproval, RaiseException

EXPIRES = 30 * 86_400_000  # milliseconds, where the step names no deadline

APPROVAL_ENDS: Mapping[str, Literal["given", "refused", "expired"]] = {
    "performed": "given",
    "rejected": "refused",
    "returned": "refused",
    "expired": "expired",
    "withdrawn": "expired",
}
"""What the end of a hold means for the run; other states are no end."""


def checkpoint(command: AskApproval, known: Known, id: str, at: int) -> NewHold:
    """The hold by which people are asked. It binds to the question and to what is shown with it; nobody whom
    the run comes from decides it, however it came."""
    state = known.state
    expires = EXPIRES if command.due is None else max(1, command.due - at)
    needed = tuple(Ask(role, state.workflow, people=people, expires=expires) for role, people in command.roles.items())
    shown = {"command": command.id, "question": command.question, "show": command.show}
    return NewHold(
        action=id,
        agent=state.run,
        agent_name=state.workflow,
        case_id=known.case,
        tool="",
        tool_revision="",
        bind=canonical.digest(shown),
        behind=(Behind(state.run, "", ""),),
        needed=needed,
        consequence=command.question,
        requesters=_barred(known),
    )


def check_own(definition: Definition, known: Known, asked: RaiseException, event: Chosen) -> None:
    """Who may not decide a checkpoint does not say afterwards that it was passed, or that others go on without it.
    Raises Forbidden (`approval.own`)."""
    if not asked.path or event.choice not in ("edit", "skip"):
        return
    work = definition.steps[paths.split(asked.path)[1]].work
    if isinstance(work, ApprovalWork) and event.by.removeprefix("person:") in _barred(known):
        raise Forbidden(
            "you are behind this run, so another person must decide its checkpoint",
            code="approval.own",
            hint="somebody else may say how it goes on; you may have them asked again, or end the run",
        )


def _barred(known: Known) -> tuple[str, ...]:
    return requesters((known.by, *known.origin))
