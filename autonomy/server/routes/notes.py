"""Before somebody decides: a question to another person, its answer, and the handing of a decision to who could too."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import Forbidden

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..limits import MAX_PAGE
from ..paging import page
from ..route import api
from .approvals import HoldNoteAnswer, note_answer

router = api("approvals")

Reader = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_READ)]
Decider = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_DECIDE)]

Words = Annotated[str, Field(max_length=2_000)]


class QuestionAsked(Asked):
    to: Text = Field(examples=["olga"])
    text: Words = Field(examples=["is this supplier in the frame contract?"])


class HandingAsked(Asked):
    """`to` is somebody who could decide as well."""

    to: Text = Field(examples=["bob"])
    text: Words = ""


class AnswerAsked(Asked):
    text: Words = Field(examples=["yes, until June"])


class DecidersAnswer(Answer):
    """Names, in order; of very many the first."""

    people: list[str]


@router.get("/approvals/{action}/deciders", summary="who could decide a held action", responses=refusals(404))
def show_deciders(action: str, person: Decider, here: Here) -> DecidersAnswer:
    """The people to whom it may be handed. For who could decide it; nobody else is told of any."""
    approvals = here.system.approvals
    hold = approvals.get(action)
    found = approvals.deciders(hold)
    return DecidersAnswer(people=list(found[:MAX_PAGE]) if person.name in found else [])


@router.post(
    "/approvals/{action}/question",
    summary="ask somebody about a held action",
    status_code=201,
    responses=refusals(404, 409),
)
def ask_about_approval(action: str, asked: QuestionAsked, person: Decider, here: Here) -> HoldNoteAnswer:
    """For who could decide it; the action goes on waiting, and its time runs on."""
    if not here.system.identity.may(asked.to, Permission.APPROVALS_HOLD_READ):
        raise Forbidden(
            f"`{asked.to[:80]}` sees no approvals",
            code="approval.ask_to",
            hint="name an active person who may read what waits",
        )
    return note_answer(here.system.approvals.notes.ask(action, person.name, asked.to, asked.text), True)


@router.post(
    "/approvals/{action}/handing",
    summary="hand a decision to who could decide as well",
    status_code=201,
    responses=refusals(404, 409),
)
def hand_approval(action: str, asked: HandingAsked, person: Decider, here: Here) -> HoldNoteAnswer:
    """It stands in their inbox as handed to them. Who may decide does not change by it."""
    return note_answer(here.system.approvals.notes.hand(action, person.name, asked.to, asked.text), True)


@router.get("/questions", summary="questions put to you")
def list_questions(person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[HoldNoteAnswer]:
    """Those about what still waits and that you have not answered, the oldest first."""
    items, following = page(here.system.approvals.notes.unanswered(person.name), lambda one: one.id, after, limit)
    return Page(items=[note_answer(one, True) for one in items], next=following)


@router.post("/questions/{question}/answer", summary="answer a question", responses=refusals(404, 409))
def answer_question(question: str, asked: AnswerAsked, person: Reader, here: Here) -> HoldNoteAnswer:
    """Once, by whom it was put to; whoever could decide reads it."""
    return note_answer(here.system.approvals.notes.answer(question, person.name, asked.text), True)
