"""Which secrets a connector names, and whose they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.words import Strict

PLACES = frozenset({"agent", "unit", "sponsor", "owner"})
"""What may stand in braces in a secret's name: of the agent that acts."""

_NAMING = {"credential", "certificate", "authorities", "clientSecret", "refreshToken", "subjectToken", "actorToken"}
_INSIDE = {"oauth", "credentials"}
_PLACE = re.compile(r"\{([^{}]*)\}?")


def named_secrets(use: Strict) -> Iterator[tuple[str, str]]:
    """Every secret a connector's `use` names: the field that says so, and the name."""
    yield from _named(use.model_dump(exclude_unset=True), "spec.use", _NAMING)


def places_in(name: str) -> set[str]:
    """What stands in braces in a secret's name."""
    return set(_PLACE.findall(name))


def filled(name: str, places: Mapping[str, str]) -> str | None:
    """The secret that is meant; None where a place of it is nobody."""
    if not all(places.get(place) for place in places_in(name)):
        return None
    return _PLACE.sub(lambda place: places[place[1]], name)


def places_of(organisation: Organisation, agent: str) -> Mapping[str, str]:
    """Whose secrets are meant where `agent` acts."""
    found = organisation.get("Agent", agent)
    if found is None or not isinstance(found.spec, AgentSpec):
        return {"agent": agent}
    return {"agent": agent, "unit": found.unit, "sponsor": found.spec.sponsor, "owner": found.spec.owner}


def _named(values: Mapping[str, Any], field: str, naming: set[str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict) and name in _INSIDE:
            yield from _named(value, f"{field}.{name}", set(value) if name == "credentials" else naming)
        elif isinstance(value, str) and name in naming:
            yield f"{field}.{name}", value
