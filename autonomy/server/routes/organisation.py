"""What is declared: plan, apply, pull, look at it, and go back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.catalog import Folder, Revision, read
from autonomy.catalog.manifest import DEFAULT_SCOPE
from autonomy.catalog.model import SPECS, UnitSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.plan import Plan
from autonomy.catalog.store import Change
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.errors import Forbidden, NotFound

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Number, Page, refusals
from ..here import Here
from ..paging import cut, page
from ..route import api

router = api("organisation")

Reader = Annotated[PersonCaller, allowed(Permission.CATALOG_OBJECT_READ)]
Planner = Annotated[PersonCaller, allowed(Permission.CATALOG_CHANGE_PLAN)]
Applier = Annotated[PersonCaller, allowed(Permission.CATALOG_CHANGE_APPLY)]

PERSON = "Person"
_UNIT = "apiVersion: autonomy/v1\nkind: Unit\nmetadata: { name: company }\nspec: {}\n"


class Declaration(Asked):
    """A folder of manifests as text by path. With `retire`, what the folder's scope no longer declares is retired."""

    files: dict[str, str] = Field(examples=[{"units.yaml": _UNIT}])
    retire: bool = False
    base: dict[str, str] | None = Field(
        None, description="`Kind/name` to digest, as last agreed on; by default what `.autonomy/state.json` says"
    )

    def folder(self) -> Folder:
        """The manifests, read; raises Invalid with every problem."""
        found = read(self.files)
        return found if self.base is None else replace(found, base=self.base)


class Application(Declaration):
    message: str = Field("", max_length=2_000, examples=["raise the limit of buyer-1"])


class RollBack(Asked):
    message: str = Field("", max_length=2_000)


class DifferenceAnswer(Answer):
    path: str
    before: Any
    after: Any


class EntryAnswer(Answer):
    """One object the plan touches: its digest before and after."""

    kind: str
    name: str
    before: str | None
    after: str | None
    differences: list[DifferenceAnswer]


class ConflictAnswer(Answer):
    kind: str
    name: str
    reason: str
    hint: str


class PlanAnswer(Answer):
    """What applying would do. `absent` is on the server only; it goes where `retire` is set."""

    epoch: int
    scope: str
    summary: str = Field(examples=["2 added, 1 changed, 0 retired"])
    empty: bool
    retire: bool
    added: list[EntryAnswer]
    changed: list[EntryAnswer]
    absent: list[EntryAnswer]
    conflicts: list[ConflictAnswer]
    unchanged: int
    agreed: dict[str, str]


class ListedChangeAnswer(Answer):
    """One step of the organisation from an epoch to the next."""

    id: str
    epoch: int
    by: str = Field(examples=["person:ada"])
    at: int
    summary: str
    message: str


class ChangeAnswer(ListedChangeAnswer):
    """One step in full: what was `added`, `changed` and `retired` in `detail`."""

    detail: dict[str, Any]


class AppliedAnswer(Answer):
    """`change` is null where nothing differed."""

    plan: PlanAnswer
    change: ChangeAnswer | None


class RolledBackAnswer(Answer):
    """`change` is null where nothing differed."""

    change: ChangeAnswer | None


class PulledAnswer(Answer):
    """The files of a scope by path. Of the kinds `without`, which you may not read, they hold nothing."""

    scope: str
    files: dict[str, str]
    without: list[str]


class ObjectAnswer(Answer):
    kind: str
    name: str
    unit: str
    digest: str
    description: str


class PeriodAnswer(Answer):
    """One wording of an object, in force from `since_epoch` until before `until_epoch`."""

    digest: str
    unit: str
    scope: str
    since_epoch: int
    until_epoch: int | None
    by: str
    at: int
    message: str


class Neighbour(Answer):
    kind: str
    name: str


class DescriptionAnswer(ObjectAnswer):
    """One object with its file as `pull` writes it, every wording it had, what it uses and who uses it."""

    scope: str
    since_epoch: int
    spec: dict[str, Any]
    text: str
    revisions: list[PeriodAnswer]
    uses: list[Neighbour]
    used_by: list[Neighbour]


class UnitAnswer(Answer):
    """A part of the organisation. `depth` is 0 for the root; `agents` have not ended, those of units below it not
    counted."""

    name: str
    description: str
    parent: str | None
    depth: int
    agents: int
    tools: list[str]


class ComparedAnswer(Answer):
    differences: list[DifferenceAnswer]


Digest = Annotated[str, Query(max_length=64, description="of a wording, as `revisions` of the object names it")]


@router.post("/plan", summary="what applying a folder would do")
def plan_change(asked: Declaration, person: Planner, here: Here) -> PlanAnswer:
    """Field by field, with conflicts; refused where the result could not go live. What differs in people is shown to
    those who may read them."""
    plan = here.system.catalog.plan(asked.folder(), asked.retire)
    seen = tuple(one if _sees(person, one.kind) else replace(one, differences=()) for one in plan.changed)
    return _plan(replace(plan, changed=seen))


@router.post("/apply", summary="make a folder the organisation", responses=refusals(409))
async def apply_change(asked: Application, person: Applier, here: Here) -> AppliedAnswer:
    """All or nothing, as one change on record; in force for the next action of every process."""
    system = here.system
    done = await run_in_threadpool(
        lambda: system.catalog.apply(asked.folder(), person.actor, asked.retire, asked.message)
    )
    await system.watch.refresh()
    return AppliedAnswer(plan=_plan(done.plan), change=_change(done.change))


@router.get("/pull", summary="the organisation as files")
def pull(person: Reader, here: Here, scope: Annotated[str, Query(max_length=63)] = DEFAULT_SCOPE) -> PulledAnswer:
    """The objects of one scope as files, with the state from which the next `apply` starts; without people where you
    may not read them: applying such a folder leaves them as they are."""
    without = "" if _sees(person, PERSON) else PERSON
    files = here.system.catalog.pull(scope, without)
    return PulledAnswer(scope=scope, files=files, without=[without] if without else [])


@router.get("/objects", summary="declared objects", responses=refusals(404))
def list_objects(
    person: Reader,
    here: Here,
    kind: Annotated[str | None, Query(max_length=63)] = None,
    unit: Annotated[str | None, Query(max_length=63)] = None,
    like: Annotated[str, Query(max_length=63, description="only those whose name holds this")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[ObjectAnswer]:
    """By kind and name, all kinds or one; people only for those who may read them."""
    if kind is not None and kind not in SPECS:
        raise NotFound(f"there is no kind `{kind}`", code="catalog.no_kind", hint=f"known kinds: {', '.join(SPECS)}")
    if kind is not None:
        _check_sees(person, kind)
    wanted = (
        one
        for one in here.system.catalog.organisation().revisions()
        if _sees(person, one.kind)
        and kind in (None, one.kind)
        and unit in (None, one.unit)
        and like.lower() in one.name.lower()
    )
    items, following = page(wanted, lambda one: f"{one.kind}/{one.name}", after, limit)
    return Page(items=[ObjectAnswer.model_validate(one) for one in items], next=following)


@router.get("/objects/{kind}/{name}", summary="one declared object", responses=refusals(404))
def describe_object(kind: str, name: str, person: Reader, here: Here) -> DescriptionAnswer:
    """With its file, its revisions and its neighbours."""
    _check_sees(person, kind)
    found = here.system.catalog.describe(kind, name)
    return DescriptionAnswer(
        **_object(found.revision),
        scope=found.scope,
        since_epoch=found.since_epoch,
        spec=found.revision.spec.model_dump(mode="json", exclude_unset=True),
        text=found.text,
        revisions=[PeriodAnswer.model_validate(one) for one in found.periods],
        uses=[Neighbour(kind=kind, name=name) for kind, name in found.uses],
        used_by=[Neighbour(kind=kind, name=name) for kind, name in found.used_by],
    )


@router.get("/objects/{kind}/{name}/compare", summary="what differs between two wordings", responses=refusals(404))
def compare_wordings(kind: str, name: str, person: Reader, here: Here, before: Digest, after: Digest) -> ComparedAnswer:
    """Field by field, from the wording with the digest `before` to that with the digest `after`."""
    _check_sees(person, kind)
    found = here.system.catalog.compare(kind, name, before, after)
    return ComparedAnswer(differences=[DifferenceAnswer.model_validate(one) for one in found])


@router.get("/units", summary="units")
def list_units(_person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[UnitAnswer]:
    """The parts of the organisation by name, each with the part it belongs to."""
    organisation = here.system.catalog.organisation()
    agents = Counter(one.unit for one in here.system.identity.agents() if one.state != "retired")
    items, following = page(organisation.all("Unit").values(), lambda one: one.name, after, limit)
    return Page(items=[_unit(organisation, one, agents[one.name]) for one in items], next=following)


@router.get("/changes", summary="changes of the organisation")
def list_changes(
    _person: Reader,
    here: Here,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="the `next` of the page before, an epoch")
    ] = None,
    limit: Limit = PAGE,
) -> Page[ListedChangeAnswer]:
    """Newest first."""
    found = here.system.catalog.changes(limit + 1, after)
    items, following = cut(found, lambda one: str(one.epoch), limit)
    return Page(items=[ListedChangeAnswer.model_validate(one) for one in items], next=following)


@router.get("/changes/{epoch}", summary="one change of the organisation", responses=refusals(404))
def show_change(epoch: Number, _person: Reader, here: Here) -> ChangeAnswer:
    """With everything that it declared anew or took away, by digest."""
    return ChangeAnswer.model_validate(here.system.catalog.change(epoch))


@router.post("/changes/{epoch}/rollback", summary="declare again what an epoch declared", responses=refusals(404, 409))
async def roll_back(epoch: Number, asked: RollBack, person: Applier, here: Here) -> RolledBackAnswer:
    """As a new change: nothing that happened is undone or hidden."""
    system = here.system
    change = await run_in_threadpool(system.catalog.rollback, epoch, person.actor, asked.message)
    await system.watch.refresh()
    return RolledBackAnswer(change=_change(change))


def _sees(person: PersonCaller, kind: str) -> bool:
    """Whether somebody may read objects of a kind: people only with the permission to read people."""
    return kind != PERSON or Permission.IDENTITY_PERSON_READ in person.permissions


def _check_sees(person: PersonCaller, kind: str) -> None:
    if not _sees(person, kind):
        raise Forbidden(
            f"this needs the permission `{Permission.IDENTITY_PERSON_READ}`",
            code="permission.missing",
            hint="an administrator grants it by a role under `access`",
        )


def _unit(organisation: Organisation, found: Revision, agents: int) -> UnitAnswer:
    above = organisation.lineage(found.name)[1:]
    return UnitAnswer(
        name=found.name,
        description=found.description,
        parent=above[0] if above else None,
        depth=len(above),
        agents=agents,
        tools=spec(found, UnitSpec).tools,
    )


def _plan(plan: Plan) -> PlanAnswer:
    return PlanAnswer.model_validate(plan)


def _change(change: Change | None) -> ChangeAnswer | None:
    return None if change is None else ChangeAnswer.model_validate(change)


def _object(found: Revision) -> Mapping[str, Any]:
    return ObjectAnswer.model_validate(found).model_dump()
