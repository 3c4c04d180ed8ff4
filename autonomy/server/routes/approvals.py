"""What waits for people, shown so that they can decide it, and their decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.approvals import Hold, Note
from autonomy.approvals.model import Order, Seat, State
from autonomy.catalog.model import Risk
from autonomy.identity import Permission, PersonCaller
from autonomy.insight import Part
from autonomy.insight.model import NOTHING, Decided, Said, Wording
from autonomy.kernel import canonical
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.tools import Registry

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import cut
from ..parts import Parts
from ..route import api
from .actions import may_read

router = api("approvals")

Reader = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_READ)]
Decider = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_DECIDE)]


class Decision(Asked):
    """A vote. `shown` proves what was looked at; `role` picks the seat where one could fill several; `looked_ms` is how
    long it was open before you, in milliseconds: the time of people is measured by it."""

    verdict: Literal["approve", "reject", "return"]
    shown: Text
    reason: str = Field("", max_length=2_000, examples=["within the frame contract"])
    role: Text | None = None
    looked_ms: int | None = Field(None, ge=0, le=MAX_SAFE_INTEGER)


class HoldAnswer(Answer):
    """A held action in a list. `roles` may decide about it now; `risk` is that of its tool, null where the tool is not
    as it was when the action was held."""

    action: str
    consequence: str
    state: State
    agent: str
    agent_name: str
    case: str
    tool: str
    risk: Risk | None
    roles: list[str]
    asked_at: int
    expires_at: int
    yours: bool = Field(description="whether you could decide about it now")
    handed_to: str | None = Field(description="who should decide it, as somebody who could has said last")
    handed_by: str | None


class Given(Answer):
    """Who has approved; a deputy does so `instead_of` an absent person."""

    person: str
    instead_of: str | None


class HoldNoteAnswer(Answer):
    """A question to somebody about a held action, or its handing to somebody; the words are null where you may not see
    them."""

    id: str
    action: str
    kind: Literal["question", "handing"]
    by: str
    to: str
    text: str | None
    at: int
    answer: str | None
    answered_at: int | None


class SeatAnswer(Answer):
    """An approval that is needed of so many different `people`. `roles` may give it now; `given_by` have."""

    role: str
    people: int
    roles: list[str]
    policies: list[str]
    given_by: list[Given]


class ApprovalAnswer(Answer):
    """A held action, what it means first, then exactly what would be done, then why it was held.

    `arguments` is shown to those who could decide and to those who may read payloads; `canonical` is its exact text,
    as it is bound. `rationale` is the agent's own word. A decision must send back `shown`.
    """

    consequence: str
    difference: str | None = Field(description="what changed since people were last asked")
    action: str
    state: State
    agent: str
    agent_name: str
    case: str
    tool: str
    tool_revision: str
    arguments: Part
    canonical: str | None
    facts: Part
    rationale: Part
    reasons: list[str]
    rules: list[Wording]
    seats: list[SeatAnswer]
    shown: str
    round: int
    created_at: int
    asked_at: int
    expires_at: int
    next_escalation_at: int | None
    next_reminder_at: int | None
    yours: bool
    history: list[Said]
    notes: list[HoldNoteAnswer]


class DecidedAnswer(Answer):
    """How it stands after the vote. `roles` must still approve; `waits_for` says it in words, such as
    `2 of finance-manager`."""

    action: str
    state: State
    roles: list[str]
    waits_for: list[str]


@router.get("/approvals", summary="what waits for people", responses=refusals(404))
async def list_approvals(
    person: Reader,
    here: Here,
    mine: Annotated[bool, Query(description="only those in which one of your roles may decide")] = False,
    state: Annotated[list[State] | None, Query(description="waiting ones where none is named")] = None,
    order: Annotated[
        Order, Query(description="the newest first, or what `ends` first, of what is not over")
    ] = "newest",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[HoldAnswer]:
    """Newest first, unless asked for otherwise."""
    registry = (await here.system.watch.house()).registry
    wanted = tuple[State, ...](state or ("waiting",))

    def read() -> Page[HoldAnswer]:
        roles = _roles_of(person, here) if mine else None
        found = here.system.approvals.holds(wanted, roles, limit + 1, after, order)
        items, following = cut(found, lambda one: one.action, limit)
        return Page(items=_listed(items, person, here, registry), next=following)

    return await run_in_threadpool(read)


async def decided_by(person: PersonCaller, here: Parts, limit: int) -> list[HoldAnswer]:
    """What the person could decide now, what ends first first."""
    registry = (await here.system.watch.house()).registry

    def read() -> list[HoldAnswer]:
        found = here.system.approvals.holds(count=limit, order="ends", decider=person.name)
        return _listed(found, person, here, registry)

    return await run_in_threadpool(read) if _may_decide(person) else []


@router.get("/approvals/{action}", summary="one held action, to be decided", responses=refusals(404))
def describe_approval(action: str, person: Reader, here: Here) -> ApprovalAnswer:
    """The consequence first, then the exact arguments, the facts, the rules in their own words, and what was said."""
    hold = here.system.approvals.get(action)
    if hold.is_checkpoint:
        return _checkpoint(hold, person, here)
    record = here.insight.record(action, may_read(person) or sits(hold, person, here))
    yours = _may_decide(person) and bool(here.system.approvals.could_decide([hold], person.name))
    found = here.insight.explain(record)
    last = found.decisions[-1] if found.decisions else None
    answer = _approval(hold, yours, found.what.arguments, found.what.rationale, last, found.approvals)
    return answer.model_copy(update={"notes": _notes(hold, person, here)})


@router.post("/approvals/{action}/decision", summary="decide a held action", responses=refusals(404, 409))
async def decide_approval(action: str, asked: Decision, person: Decider, here: Here) -> DecidedAnswer:
    """Counts once. The vote that fills the last seat lets the action go ahead, decided once more on present facts."""
    approvals = here.system.approvals
    hold = await run_in_threadpool(
        approvals.decide, action, person.name, asked.verdict, asked.shown, asked.reason, asked.role, asked.looked_ms
    )
    here.system.taking_up.wake()
    waits_for = list(hold.waits_for) if hold.state == "waiting" else []
    return DecidedAnswer(action=hold.action, state=hold.state, roles=_roles(hold), waits_for=waits_for)


def risk_of(hold: Hold, registry: Registry) -> Risk | None:
    """The risk of the tool as it was when the action was held; None where it is another by now, or there is none."""
    tool = registry.tools.get(hold.tool)
    return tool.spec.risk if tool is not None and tool.revision == hold.tool_revision else None


def _checkpoint(hold: Hold, person: PersonCaller, here: Parts) -> ApprovalAnswer:
    """A hold that a run waits behind: its question, and what its workflow shows with it."""
    yours = _may_decide(person) and bool(here.system.approvals.could_decide([hold], person.name))
    with here.system.database.reading() as connection:
        asked = here.system.workflows.runs.question(connection, hold.action)
    seen = asked is not None and (may_read(person) or sits(hold, person, here))
    shown = Part("shown", asked.show) if asked is not None and seen else NOTHING
    return _approval(hold, yours, shown, NOTHING).model_copy(update={"notes": _notes(hold, person, here)})


def _handed(holds: Sequence[Hold], here: Parts) -> dict[str, Note]:
    """The last handing of each hold that was handed to somebody."""
    notes = here.system.approvals.notes.about([hold.action for hold in holds])
    return {note.action: note for note in notes if note.kind == "handing"}


def _notes(hold: Hold, person: PersonCaller, here: Parts) -> list[HoldNoteAnswer]:
    found = here.system.approvals.notes.about([hold.action])
    sees_all = may_read(person) or sits(hold, person, here)
    return [note_answer(note, sees_all or person.name in (note.by, note.to)) for note in found]


def note_answer(note: Note, seen: bool) -> HoldNoteAnswer:
    """A note, with its words where they may be `seen`."""
    found = HoldNoteAnswer.model_validate(note)
    return found if seen else found.model_copy(update={"text": None, "answer": None})


def _listed(holds: Sequence[Hold], person: PersonCaller, here: Parts, registry: Registry) -> list[HoldAnswer]:
    yours = here.system.approvals.could_decide(holds, person.name) if _may_decide(person) else set()
    handed = _handed(holds, here)
    return [_line(one, one.action in yours, handed.get(one.action), risk_of(one, registry)) for one in holds]


def _line(hold: Hold, yours: bool, handed: Note | None, risk: Risk | None) -> HoldAnswer:
    return HoldAnswer(
        action=hold.action,
        consequence=hold.consequence,
        state=hold.state,
        agent=hold.agent,
        agent_name=hold.agent_name,
        case=hold.case_id,
        tool=hold.tool,
        risk=risk,
        roles=_roles(hold),
        asked_at=hold.asked_at,
        expires_at=hold.expires_at,
        yours=yours,
        handed_to=handed.to if handed else None,
        handed_by=handed.by if handed else None,
    )


def _approval(
    hold: Hold,
    yours: bool,
    arguments: Part,
    rationale: Part,
    last: Decided | None = None,
    history: Sequence[Said] = (),
) -> ApprovalAnswer:
    return ApprovalAnswer(
        consequence=hold.consequence,
        difference=hold.difference,
        action=hold.action,
        state=hold.state,
        agent=hold.agent,
        agent_name=hold.agent_name,
        case=hold.case_id,
        tool=hold.tool,
        tool_revision=hold.tool_revision,
        arguments=arguments,
        canonical=canonical.encode(arguments.value).decode() if arguments.state == "shown" else None,
        facts=last.facts if last else NOTHING,
        rationale=rationale,
        reasons=list(last.reasons) if last else [],
        rules=list(last.rules) if last else [],
        seats=[_seat(seat, hold) for seat in hold.seats],
        shown=hold.shown,
        round=hold.round,
        created_at=hold.created_at,
        asked_at=hold.asked_at,
        expires_at=hold.expires_at,
        next_escalation_at=hold.next_escalation_at,
        next_reminder_at=hold.next_reminder_at,
        yours=yours,
        history=list(history),
        notes=[],
    )


def _seat(seat: Seat, hold: Hold) -> SeatAnswer:
    votes = [vote for vote in hold.given if vote.role == seat.role and vote.verdict == "approve"]
    return SeatAnswer(
        role=seat.role,
        people=seat.people,
        roles=list(seat.roles),
        policies=list(seat.policies),
        given_by=[Given(person=vote.person, instead_of=vote.instead_of) for vote in votes],
    )


def _roles(hold: Hold) -> list[str]:
    """The roles that may decide about the hold now."""
    return sorted({role for seat in hold.open_seats for role in seat.roles}) if hold.state == "waiting" else []


def _may_decide(person: PersonCaller) -> bool:
    return Permission.APPROVALS_HOLD_DECIDE in person.permissions


def _roles_of(person: PersonCaller, here: Parts) -> set[str]:
    """The roles in which the person may speak now: their own, and those of absent people whose deputy they are."""
    absent = here.system.approvals.stands_in_for(person.name)
    return set(person.roles).union(*(here.system.identity.roles_of(name) for name in absent))


def sits(hold: Hold, person: PersonCaller, here: Parts) -> bool:
    """Whether the person may decide about such an action: they must see what they decide."""
    if not _may_decide(person):
        return False
    theirs = _roles_of(person, here)
    return any(role in theirs for seat in hold.seats for role in seat.roles)
