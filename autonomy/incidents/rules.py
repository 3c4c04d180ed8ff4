"""What may become of an incident. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.identity.model import Scope
from autonomy.kernel.errors import Conflict, Invalid

from .model import Cause, Incident

MAX_TITLE = 200
MAX_TEXT = 4_000


def check_text(text: str, most: int, what: str) -> None:
    """Raise Invalid (`incident.text`) where nothing is said, or too much."""
    if not text.strip() or len(text) > most:
        raise Invalid(f"{what} has 1 to {most} characters", code="incident.text")


def check_open(found: Incident) -> None:
    """Raise Conflict (`incident.closed`) where nothing more becomes of it."""
    if found.state == "closed":
        raise Conflict(f"`{found.id}` is closed", code="incident.closed", hint="open another one")


def reach_of(found: Incident, scope: Scope | None, target: str | None) -> tuple[Scope, str]:
    """What is contained because of it: what is named, else its agent. Raises Invalid (`incident.reach`), Conflict."""
    check_open(found)
    if found.state == "contained":
        raise Conflict(f"`{found.id}` is contained", code="incident.contained", hint="look at what was stopped")
    if (scope is None) != (target is None):
        raise Invalid("scope and target are named together", code="incident.reach")
    if scope is not None and target is not None:
        return scope, target
    if found.place.agent is None:
        hint = "name a scope and a target"
        raise Invalid("it is about no agent that could be contained", code="incident.reach", hint=hint)
    return "agent", found.place.agent


def contained(found: Incident, scope: Scope, target: str, containment: str) -> Incident:
    """The incident while something is contained because of it."""
    return replace(found, state="contained", scope=scope, target=target, containment=containment)


def held_by(found: Incident) -> str:
    """The containment that is in force because of it. Raises Conflict (`incident.not_contained`)."""
    if found.containment is None:
        hint = "nothing is contained because of it"
        raise Conflict(f"`{found.id}` is {found.state}", code="incident.not_contained", hint=hint)
    return found.containment


def reinstated(found: Incident) -> Incident:
    """The incident once what was contained may go on; one that is closed stays closed.

    Raises Conflict (`incident.not_contained`).
    """
    held_by(found)
    return replace(found, state="closed" if found.state == "closed" else "open", containment=None)


def closed(found: Incident, cause: Cause, by: str, at: int, leave_contained: bool) -> Incident:
    """The incident at its end. Raises Conflict (`incident.closed`, `incident.contained`)."""
    check_open(found)
    if found.state == "contained" and not leave_contained:
        raise Conflict(
            f"`{found.target}` is still contained because of it",
            code="incident.contained",
            hint="reinstate it first, or say that it is to stay contained",
        )
    return replace(found, state="closed", cause=cause, closed_by=by, closed_at=at)
