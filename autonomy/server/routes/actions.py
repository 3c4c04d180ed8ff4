"""Actions: what agents did or were refused, why, and what a person says of those nobody could vouch for."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.insight import Explanation, Part, Wanted, sentences
from autonomy.insight.model import ActionRow, ActionState, Decision, Opening
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.errors import Conflict, Invalid

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Reason, refusals
from ..here import Here
from ..parts import Parts
from ..route import api
from .audit import ProofAnswer, prove

router = api("actions")

Reader = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_READ)]
Reconciler = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_RECONCILE)]

Filter = Annotated[str | None, Query(max_length=400)]
Moment = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="milliseconds since the epoch")]
Cost = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="minor units of the base currency")]


class Resolution(Asked):
    """What a person found in the system of record."""

    state: Literal["done", "failed"]
    reason: Reason = Field(examples=["the supplier confirms order 4711"])


class ActionAnswer(Answer):
    """`money` is the worst case until the action has ended."""

    id: str = Field(examples=["act_01j…"])
    state: str
    agent: str
    agent_name: str
    unit: str
    case: str
    tool: str
    money: int
    at: int
    ended_at: int | None
    code: str | None
    message: str | None
    run: str | None
    decision: Decision


class FoundAnswer(Answer):
    """A page of actions, newest first. `next` is the `after` of the page that follows; null on the last one. A page may
    hold fewer than were asked for, and none, where much had to be looked at: go on until `next` is null.

    `behind` is how many leaves of the log cannot be found yet.
    """

    items: list[ActionAnswer]
    next: str | None
    behind: int


class LeafAnswer(Answer):
    index: int
    leaf: dict[str, Any]


class RecordAnswer(Answer):
    """Everything the log holds about an action; `payloads` as far as the reader may see them."""

    action: str
    state: str
    leaves: list[LeafAnswer]
    payloads: dict[str, Part]
    explanation: Explanation


class OpeningAnswer(Answer):
    """What a leaf commits to as `name`: `commitment` is SHA-256, hexadecimal, of `salt` (base64) and `text` (UTF-8)."""

    name: str = Field(examples=["arguments"])
    commitment: str
    salt: str
    text: str = Field(description="the exact text that was committed to")


class ProofsAnswer(Answer):
    """A proof of each leaf about an action, in order; and what the leaves commit to, as far as you may read it."""

    proofs: list[ProofAnswer]
    openings: list[OpeningAnswer]


class ExplanationAnswer(Answer):
    """Why it came out as it did: in parts, and in sentences."""

    explanation: Explanation
    sentences: list[str]


@router.get("/actions", summary="actions")
async def list_actions(
    person: Reader,
    here: Here,
    text: Annotated[str | None, Query(max_length=400, description="words, all of which it has to hold")] = None,
    agent: Filter = None,
    unit: Filter = None,
    tool: Filter = None,
    decision: Decision | None = None,
    state: ActionState | None = None,
    case: Filter = None,
    run: Filter = None,
    task: Filter = None,
    policy: Filter = None,
    label: Filter = None,
    code: Filter = None,
    since: Moment = None,
    until: Moment = None,
    cost_from: Cost = None,
    cost_to: Cost = None,
    after: After = None,
    limit: Limit = PAGE,
) -> FoundAnswer:
    """Newest first, refused ones among them. `text` finds by tool, agent, unit, rule, reason, and, where you may read
    payloads, by what was asked and why."""
    wanted = Wanted(
        text=text,
        agent=agent,
        unit=unit,
        tool=tool,
        decision=decision,
        state=state,
        case=case,
        run=run,
        task=task,
        policy=policy,
        label=label,
        code=code,
        since=since,
        until=until,
        cost_from=cost_from,
        cost_to=cost_to,
    )
    behind = await here.taken_in()
    search = here.system.searching.search
    found = await run_in_threadpool(search.actions, wanted, place(after), limit, may_read(person))
    return found_answer(found.actions, found.next, behind)


@router.get("/actions/{action}", summary="one action", responses=refusals(404))
def describe_action(action: str, person: Reader, here: Here) -> RecordAnswer:
    """Its leaves, what it carried, and why it came out as it did."""
    record = here.insight.record(action, may_read(person))
    explanation = here.insight.explain(record)
    return RecordAnswer(
        action=action,
        state=explanation.state,
        leaves=[LeafAnswer(index=index, leaf=leaf) for index, leaf in record.leaves],
        payloads=record.parts,
        explanation=explanation,
    )


@router.get("/actions/{action}/explain", summary="why it came out as it did", responses=refusals(404))
def explain_action(action: str, person: Reader, here: Here) -> ExplanationAnswer:
    """Rebuilt from what was stored when it happened; what is gone is said to be gone."""
    return _explained(here, action, person)


@router.get("/actions/{action}/proofs", summary="proof that it is in the log", responses=refusals(404))
async def prove_action(action: str, person: Reader, here: Here) -> ProofsAnswer:
    """Each of its leaves under the first checkpoint that holds it; one is signed where none does yet. By it anybody
    verifies without us: the hash of the text, the path to the root, and the signature of the checkpoint; and who may
    read payloads, that these are what the leaves commit to."""
    record = await run_in_threadpool(here.insight.record, action, may_read(person))
    openings = await run_in_threadpool(here.insight.openings, record)
    return ProofsAnswer(
        proofs=[await prove(here, index) for index, _ in record.leaves], openings=list(map(_opening, openings))
    )


@router.post(
    "/actions/{action}/resolve", summary="say how an action of unknown ending ended", responses=refusals(404, 409)
)
async def resolve_action(action: str, asked: Resolution, person: Reconciler, here: Here) -> ExplanationAnswer:
    """Only for actions in the state `unknown`: a person has looked in the system of record."""
    found = await run_in_threadpool(_explained, here, action, person)
    if found.explanation.state != "unknown":
        raise Conflict(f"it is {found.explanation.state}", code="action.not_unknown", hint="how it ended is known")
    await here.system.taking_up.resolve(action, asked.state, person.actor, asked.reason)
    return await run_in_threadpool(_explained, here, action, person)


def _opening(one: Opening) -> OpeningAnswer:
    salt = b64encode(one.salt).decode("ascii")
    return OpeningAnswer(name=one.name, commitment=one.commitment, salt=salt, text=one.text)


def _explained(here: Parts, action: str, person: PersonCaller) -> ExplanationAnswer:
    found = here.insight.explain(here.insight.record(action, may_read(person)))
    return ExplanationAnswer(explanation=found, sentences=sentences(found))


def found_answer(actions: Sequence[ActionRow], following: int | None, behind: int) -> FoundAnswer:
    """A page of actions, as it is told."""
    items = [ActionAnswer.model_validate(one) for one in actions]
    return FoundAnswer(items=items, next=None if following is None else str(following), behind=behind)


def place(after: str | None) -> int | None:
    """Where to go on. Raises Invalid for what no page has said."""
    if after is None:
        return None
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise Invalid("`after` is not the `next` of a page", code="page.after", hint="send what the page before said")
    return int(after)


def may_read(person: PersonCaller) -> bool:
    """Whether a person sees what actions carried."""
    return Permission.AUDIT_PAYLOAD_READ in person.permissions
