"""Where what was seen is put: an organisation of its own, or a part of one that is there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """The unit, the person who answers for the agents, and the role that watches them.

    `whole` says that they do not exist yet, so that the folder declares them as well and is an organisation by itself.
    """

    unit: str = "company"
    sponsor: str = "owner"
    supervisor: str = "supervisor"
    whole: bool = True


def role(about: str, tools: list[str], place: Place) -> dict[str, Any]:
    """The spec of a role whose scope is these tools."""
    return {
        "scope": {"tools": tools},
        "responsibilities": [about],
        "decisionBoundaries": ["only what was seen before; anything else is denied"],
        "escalationTargets": [place.supervisor],
        "expectations": [{"measure": "denied calls", "target": "none that the work needs"}],
    }


def foundation(place: Place) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, name and spec of the objects that an organisation needs before there is an agent in it."""
    person = {
        "displayName": "Change this name",
        "email": f"{place.sponsor}@example.com",
        "roles": [place.supervisor],
        "access": ["admin", "approver", "supervisor"],
    }
    return [
        ("Unit", place.unit, {"trustDomain": "example.com", "currency": "EUR"}),
        ("Person", place.sponsor, person),
        ("Role", place.supervisor, role("Watches the agents and decides what they may not", [], place)),
    ]
