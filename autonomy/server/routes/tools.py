"""Approved operations: what agents may be allowed to do, and accepting a changed definition."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.concurrency import run_in_threadpool

from autonomy.catalog.model import Effect, Risk
from autonomy.identity import Permission, PersonCaller
from autonomy.tools import Tool
from autonomy.tools.quarantine import accept_again, quarantined

from ..access import allowed
from ..answers import PAGE, After, Answer, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..parts import Parts
from ..route import api

router = api("tools")

Reader = Annotated[PersonCaller, allowed(Permission.CATALOG_OBJECT_READ)]
Accepter = Annotated[PersonCaller, allowed(Permission.TOOLS_DEFINITION_ACCEPT)]


class ToolAnswer(Answer):
    """One operation. A quarantined one is neither offered nor called until a person accepts its definition."""

    name: str
    revision: str
    unit: str
    description: str
    connector: str
    effect: Effect
    egress: bool
    risk: Risk
    tags: list[str]
    trust: Literal["trusted", "untrusted"]
    quarantined: bool


class ToolDescription(ToolAnswer):
    """With its whole definition; `spec.input` is the JSON Schema of its arguments."""

    spec: dict[str, Any]


class AcceptedToolsAnswer(Answer):
    """The tools whose definition was accepted; none where it had been already."""

    accepted: list[str]


@router.get("/tools", summary="approved operations")
async def list_tools(
    _person: Reader,
    here: Here,
    connector: Annotated[str | None, Query(max_length=63)] = None,
    like: Annotated[str, Query(max_length=100, description="only those whose name or description holds this")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[ToolAnswer]:
    """By name."""
    registry = (await here.system.watch.house()).registry
    held = await here.system.database.read(lambda connection: quarantined(connection, registry))
    found = (
        one
        for one in registry.tools.values()
        if connector in (None, one.connector) and like.lower() in f"{one.name} {one.description}".lower()
    )
    items, following = page(found, _name, after, limit)
    return Page(items=[ToolAnswer(**_shown(one, one.name in held)) for one in items], next=following)


@router.get("/tools/{name}", summary="one operation", responses=refusals(404))
async def describe_tool(name: str, _person: Reader, here: Here) -> ToolDescription:
    """With what it takes, what it does and what it may cost."""
    registry = (await here.system.watch.house()).registry
    held = await here.system.database.read(lambda connection: quarantined(connection, registry))
    tool = registry.get(name)
    spec = tool.spec.model_dump(mode="json", exclude_unset=True) | {"input": tool.schema.declared}
    return ToolDescription(**_shown(tool, name in held), spec=spec)


@router.post("/tools/{name}/accept", summary="accept a changed definition", responses=refusals(404))
async def accept_tool(name: str, person: Accepter, here: Here) -> AcceptedToolsAnswer:
    """Let a quarantined operation be offered and called in its present wording."""
    tool = (await here.system.watch.house()).registry.get(name)
    return AcceptedToolsAnswer(accepted=await run_in_threadpool(_accept, here, tool, person.actor))


def _accept(here: Parts, tool: Tool, by: str) -> list[str]:
    return here.system.queue.run(lambda tx: accept_again(tx, tool, by, here.clock()))


def _name(tool: Tool) -> str:
    return tool.name


def _shown(tool: Tool, held: bool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "revision": tool.revision,
        "unit": tool.unit,
        "description": tool.description,
        "connector": tool.connector,
        "effect": tool.effect,
        "egress": tool.spec.egress,
        "risk": tool.spec.risk,
        "tags": tool.spec.tags,
        "trust": tool.spec.trust,
        "quarantined": held,
    }
