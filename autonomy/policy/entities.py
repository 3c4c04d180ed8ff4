"""Who is who, as the engine takes it: every agent with its units and roles, every tool, in one shared handle.

One handle for all was measured against small ones made per agent: evaluation looks entities up by hash, so that ten
thousand agents cost nothing at a decision and 0.4 s once, when a bundle is built and nobody waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import cedarpy
import msgspec

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel.canonical import Json

from .tool import Tool


def entities_of(organisation: Organisation, tools: Mapping[str, Tool]) -> cedarpy.Entities:
    """The whole organisation as entities; safe to share between threads."""
    found = [*_units(organisation), *_agents(organisation), *_tools(tools.values())]
    return cedarpy.Entities.from_json_str(msgspec.json.encode(found).decode(), release_gil=True)


def _units(organisation: Organisation) -> Iterator[Json]:
    for name in organisation.all("Unit"):
        yield _entity("Unit", name, {}, [("Unit", above) for above in organisation.lineage(name)[1:2]])
    for name in organisation.all("Role"):
        yield _entity("Role", name, {}, [])


def _agents(organisation: Organisation) -> Iterator[Json]:
    for name, agent in organisation.all("Agent").items():
        spec = cast(AgentSpec, agent.spec)
        above = [("Role", role) for role in dict.fromkeys(spec.roles)] + [("Unit", agent.unit)]
        yield _entity("Agent", name, _attributes(agent, spec), above)


def _attributes(agent: Revision, spec: AgentSpec) -> Json:
    return {
        "name": agent.name,
        "unit": agent.unit,
        "sponsor": spec.sponsor,
        "owner": spec.owner,
        "supervisor": spec.supervisor,
        "roles": list(spec.roles),
    }


def _tools(tools: Iterable[Tool]) -> Iterator[Json]:
    for tool in tools:
        yield _entity("Tool", tool.name, tool.attributes, [])
        yield _entity("Action", tool.name, {}, [("Action", group) for group in tool.groups])


def _entity(kind: str, name: str, attributes: Json, above: list[tuple[str, str]]) -> Json:
    parents = [{"type": kind, "id": name} for kind, name in above]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": parents}
