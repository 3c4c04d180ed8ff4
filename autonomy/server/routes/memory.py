"""What agents know together, as far as a person may see it; and forgetting, by who answers for a space."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from autonomy.catalog.memory_space import MemorySpaceSpec
from autonomy.catalog.organisation import spec
from autonomy.identity import Permission, PersonCaller
from autonomy.memory import By, Item, Member, Question, Selection

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, Text, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("memory")

Reader = Annotated[PersonCaller, allowed(Permission.MEMORY_ITEM_READ)]
Forgetter = Annotated[PersonCaller, allowed(Permission.MEMORY_ITEM_FORGET)]


class SpaceAnswer(Answer):
    """A memory space. `items` are those this person may read, counted up to ten thousand; null where they read none.
    `saved` is how often work was found done, `begun` how often it was begun."""

    name: str
    unit: str
    description: str
    owner: str
    retention: str
    freshness: str | None
    data: list[str]
    residency: list[str]
    items: int | None
    saved: int
    begun: int


class ItemAnswer(Answer):
    """One thing remembered. `author` is agent@revision, `source` the action that wrote it; `origins` are the spaces
    whose readers alone may know it, beside those of its own space."""

    item: str
    space: str
    title: str = ""
    text: str
    data: dict[str, Any] | None = None
    subject: str | None = None
    task: str | None = None
    inputs: dict[str, Any] | None = None
    author: str
    source: str
    case: str
    trust: str
    tags: list[str] = Field([])
    origins: list[str] = Field([])
    at: int
    valid_from: int | None = None
    valid_until: int | None = None
    stale: bool
    reused: int
    links: list[dict[str, str]] = Field([])


class SearchAnswer(Page[ItemAnswer]):
    """What was found, the best first, and by what. `missing` is the code of why meaning was left out, wholly or in
    part; `newest` says for each space that was looked through by meaning how many of its items have one."""

    by: By
    missing: str | None = None
    newest: dict[str, int] = Field({})


class ForgetAsked(Asked):
    """Which items of a space are to be forgotten: those that fit all that is given. `before` is in milliseconds."""

    space: Text
    item: Text | None = None
    source: Text | None = Field(None, description="the action that wrote them")
    case: Text | None = None
    author: Text | None = Field(None, description="the agent that wrote them")
    subject: Text | None = None
    before: int | None = Field(None, ge=0)
    reason: Reason


class ForgottenAnswer(Answer):
    forgotten: int


@router.get("/memory/spaces", summary="memory spaces")
async def list_spaces(person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[SpaceAnswer]:
    """By name."""
    organisation = (await here.system.watch.house()).organisation
    every = await here.system.own.memory.held(_member(here, person))
    found, following = page(every, lambda held: held.space, after, limit)
    spaces = []
    for held in found:
        revision = organisation.all("MemorySpace").get(held.space)
        if revision is not None:
            said = spec(revision, MemorySpaceSpec)
            spaces.append(
                SpaceAnswer(
                    name=held.space,
                    unit=revision.unit,
                    description=revision.description,
                    owner=said.owner,
                    retention=said.retention,
                    freshness=said.freshness,
                    data=list(said.data),
                    residency=list(said.residency),
                    items=held.items,
                    saved=held.saved,
                    begun=held.begun,
                )
            )
    return Page(items=spaces, next=following)


@router.get("/memory/search", summary="find items by words or by meaning", responses=refusals(404))
async def search_memory(
    person: Reader,
    here: Here,
    query: Annotated[str, Query(min_length=1, max_length=1_000)],
    space: Annotated[str | None, Query(max_length=63)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    by: Annotated[By | None, Query(description="by words, by meaning, or by both")] = None,
) -> SearchAnswer:
    """The best first, of those this person may read."""
    found = await here.system.own.memory.finding.find([_member(here, person)], Question(query, space, limit, by))
    items = [_shown(each) for each in found.items]
    return SearchAnswer(items=items, by=found.by, missing=found.missing, newest=dict(found.newest))


@router.get("/memory/items/{item}", summary="one item of memory", responses=refusals(404))
async def show_item(item: str, person: Reader, here: Here) -> ItemAnswer:
    """With where it came from and what it is linked to."""
    return _shown(await here.system.own.memory.reader.one([_member(here, person)], item))


@router.post("/memory/forget", summary="forget items of a space", responses=refusals(404))
async def forget_items(asked: ForgetAsked, person: Forgetter, here: Here) -> ForgottenAnswer:
    """Only the owner of a space may; the log says how many went, and why."""
    said = asked.model_dump(exclude={"reason"})
    count = await here.system.own.forgetting.by_person(
        Selection(**said), _member(here, person), person.actor, asked.reason
    )
    return ForgottenAnswer(forgotten=count)


def _member(here: Here, person: PersonCaller) -> Member:
    return here.system.own.memory.person(person.name, person.roles)


def _shown(item: Item) -> ItemAnswer:
    return ItemAnswer.model_validate(item.as_dict())
