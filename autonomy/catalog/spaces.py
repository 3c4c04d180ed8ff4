"""What must hold of memory spaces, and of the names of the system itself. Pure: an organisation in, problems out."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.kernel import clock

from .memory_space import Audience, MemorySpaceSpec
from .organisation import Organisation, Revision, spec
from .own_tools import GOAL, is_own
from .problem import Problem, about


def spaces(organisation: Organisation) -> Iterator[Problem]:
    """A space has readers and writers, keeps for some time, and holds no data that its unit may not touch."""
    for space in organisation.all("MemorySpace").values():
        said = spec(space, MemorySpaceSpec)
        for field, audience in (("readers", said.readers), ("writers", said.writers)):
            if not _names_anybody(audience):
                yield about(space, f"spec.{field}", f"it has no {field}", "name `agents`, `roles` or `units`")
        for field, length in (("retention", said.retention), ("freshness", said.freshness)):
            if length is not None and clock.duration(length) == 0:
                yield about(space, f"spec.{field}", "it is no time at all", "write for example `30d`")
        yield from _ungranted(organisation, space, said)


def reserved(organisation: Organisation) -> Iterator[Problem]:
    """Nobody declares a tool or a connector under a name of the system's own."""
    for kind in ("Connector", "Tool"):
        for revision in organisation.all(kind).values():
            if is_own(revision.name) and not organisation.is_own(kind, revision.name):
                message = f"`{revision.name}` is a name of the system itself"
                yield about(revision, "metadata.name", message, "choose another name")
    for revision in organisation.all("Workflow").values():
        if revision.name == GOAL or revision.name.startswith(f"{GOAL}."):
            message = f"`{revision.name}` is a name of goals"
            yield about(revision, "metadata.name", message, "choose another name")


def _names_anybody(audience: Audience) -> bool:
    return bool(audience.agents or audience.roles or audience.units)


def _ungranted(organisation: Organisation, space: Revision, said: MemorySpaceSpec) -> Iterator[Problem]:
    for index, tag in enumerate(said.data):
        if tag != "*" and not organisation.grants_data(space.unit, [tag]):
            message = f"the unit `{space.unit}` may not touch data of the class `{tag}`"
            yield about(space, f"spec.data[{index}]", message, "leave it out, or grant it to the unit under `data`")
