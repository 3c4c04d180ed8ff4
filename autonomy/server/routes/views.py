"""Searches that a person keeps."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field, StringConstraints

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.views import View

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("views")

Reader = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_READ)]

ADDRESS = r"^[a-z][a-z-]{0,30}$"
PageName = Annotated[str, Path(pattern=ADDRESS, description="the page of the console, `actions` or the like")]
ViewName = Annotated[str, Path(min_length=1, max_length=80)]
Filter = Annotated[str, StringConstraints(max_length=400)]
FilterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class Kept(Asked):
    """`query` are the filters of the page by their names."""

    query: dict[FilterName, Filter] = Field(max_length=30, examples=[{"tool": "order.place", "state": "failed"}])


class ViewAnswer(Answer):
    """A kept search; `at` is when it was kept."""

    page: str
    name: str
    query: dict[str, str]
    at: int


@router.get("/views", summary="searches you keep")
def list_views(person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[ViewAnswer]:
    """Your own, by page and name."""
    items, following = page(here.views.of(person.name), _key, after, limit)
    return Page(items=[ViewAnswer.model_validate(one) for one in items], next=following)


@router.put("/views/{page}/{name:path}", summary="keep a search", responses=refusals(409))
def keep_view(page: PageName, name: ViewName, asked: Kept, person: Reader, here: Here) -> ViewAnswer:
    """In place of one of this name."""
    return ViewAnswer.model_validate(here.views.keep(person.name, page, name, asked.query))


@router.delete("/views/{page}/{name:path}", summary="keep a search no longer", status_code=204, responses=refusals(404))
def drop_view(page: PageName, name: ViewName, person: Reader, here: Here) -> None:
    """It is gone; nothing else is."""
    here.views.drop(person.name, page, name)


def _key(found: View) -> str:
    return f"{found.page}/{found.name}"
