"""Checkpoints as people are asked about them: a hold that no action waits behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autonomy.approvals import Behind, NewHold, requesters
from autonomy.kernel import canonical
from autonomy.policy.model import Ask

from .desk import Known
from .model import AskApproval

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
        requesters=barred(known),
    )


def barred(known: Known) -> tuple[str, ...]:
    """The people who are behind a run, and so decide none of its checkpoints."""
    return requesters((known.by, *known.origin))
