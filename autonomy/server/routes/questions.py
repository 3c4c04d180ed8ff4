"""Questions of an auditor: a random sample that can be drawn again, and who could have done this on that date."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.audit.leaf import Kind
from autonomy.identity import Permission, PersonCaller
from autonomy.insight import Record
from autonomy.insight.capable import Capable
from autonomy.insight.sampling import METHOD, MOST, Facet
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.errors import Forbidden, Invalid, NotFound
from autonomy.policy.model import Fact

from ..access import allowed
from ..answers import Answer, Asked, Text, refusals
from ..here import Here
from ..parts import Parts
from ..route import api

router = api("audit")

Reader = Annotated[PersonCaller, allowed(Permission.AUDIT_LOG_READ)]
Explainer = Annotated[PersonCaller, allowed(Permission.POLICY_DECISION_EXPLAIN)]

Moment = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="milliseconds since the epoch")]
Seed = Annotated[str | None, Query(min_length=1, max_length=80, description="none: a new one, which is told")]

SHOWN = 1_000  # agents that an answer names


class DrawnAnswer(Answer):
    index: int
    leaf: dict[str, Any]


class SampleAnswer(Answer):
    """Drawn at random from `population` leaves, which lie from `first` up to, not including, `stop`.

    Asked again with the same `seed`, the same filters and `size` as it is told here, it is the same sample.
    """

    seed: str
    population: int
    first: int
    stop: int
    size: int = Field(description="how many leaves of the log it was drawn from")
    method: str
    items: list[DrawnAnswer]


class Supposed(Asked):
    """What somebody might have done, at `at` (milliseconds since the epoch): as `action` did it, or as is said here.

    A fact left out counts as not found (its default applies), a window left out as 0. Money in `facts` and `windows` is
    in minor units of the base currency. Without `at` it is when the action was begun.
    """

    at: int | None = Field(None, ge=0, le=MAX_SAFE_INTEGER)
    action: Text | None = None
    tool: Text | None = Field(None, examples=["order.place"])
    arguments: dict[str, Any] = Field({})
    facts: dict[str, Fact] = Field({})
    windows: dict[str, int] = Field({})
    labels: list[str] = Field([], max_length=100)
    record: list[str] = Field(["", ""], min_length=2, max_length=2, description="kind and key")


class CapableAnswer(Answer):
    """An agent that could have done it: at once (`allow`), or after people's approval (`hold`, by `roles`)."""

    agent: str
    unit: str
    revision: str
    effect: Literal["allow", "hold", "deny"]
    policies: list[str]
    reasons: list[str]
    roles: list[str]
    stopped: str | None = Field(description="what kept it from acting at all that day; null where nothing did")


class CouldAnswer(Answer):
    """Judged by the rules of catalog epoch `epoch`, in force at `at`. `items` are agents that the rules would have let,
    a thousand at most; the counts are of all agents declared then, of those that nothing stopped but for `stopped`."""

    epoch: int
    at: int
    tool: str
    allowed: int
    held: int
    denied: int
    stopped: int
    unlisted: int
    items: list[CapableAnswer]


@router.get("/audit/sample", summary="a random sample")
async def draw_sample(
    _person: Reader,
    here: Here,
    kind: Kind | None = None,
    by: Annotated[Facet | None, Query(description="draw actions by what `value` says of them")] = None,
    value: Annotated[str | None, Query(max_length=400)] = None,
    count: Annotated[int, Query(ge=1, le=MOST)] = 25,
    seed: Seed = None,
    since: Moment = None,
    until: Moment = None,
    size: Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="of the log; none: as it is now")] = None,
) -> SampleAnswer:
    """Of leaves of one `kind` (`intent` where none is said), or of actions of one tool, agent, unit, rule or case."""
    if (by is None) != (value is None) or (by is not None and kind is not None):
        raise Invalid("a sample is drawn by `kind`, or by `by` and `value`", code="audit.sample")
    await here.taken_in()
    sampling, sown = here.sampling, seed or secrets.token_hex(8)
    if by is not None and value is not None:
        found = await run_in_threadpool(sampling.of_actions, by, value, sown, count, since, until, size)
    else:
        found = await run_in_threadpool(sampling.of_kind, kind or "intent", sown, count, since, until, size)
    return SampleAnswer(
        seed=found.seed,
        population=found.population,
        first=found.first,
        stop=found.stop,
        size=found.size,
        method=METHOD,
        items=[DrawnAnswer(index=index, leaf=leaf) for index, leaf in found.leaves],
    )


@router.post("/audit/could", summary="who could have done this", responses=refusals(404))
async def who_could(asked: Supposed, person: Explainer, here: Here) -> CouldAnswer:
    """Every agent declared then, judged by the rules in force then. Nothing is looked up anew and nothing is done."""
    said, begun = await run_in_threadpool(_supposed, here, asked, person)
    at = asked.at if asked.at is not None else begun
    if at is None:
        raise Invalid("nothing says when", code="audit.could", hint="name `at`, or an `action`")
    await here.taken_in()
    judged = await run_in_threadpool(here.judging.who_could, said, at)
    free = [one for one in judged.agents if one.stopped is None]
    able = [one for one in judged.agents if one.verdict.effect != "deny"]
    effects = [one.verdict.effect for one in free]
    return CouldAnswer(
        epoch=judged.epoch,
        at=judged.at,
        tool=said["tool"],
        allowed=effects.count("allow"),
        held=effects.count("hold"),
        denied=effects.count("deny"),
        stopped=len(judged.agents) - len(free),
        unlisted=judged.unlisted,
        items=[_capable(one) for one in sorted(able, key=_order)[:SHOWN]],
    )


def _supposed(here: Parts, asked: Supposed, person: PersonCaller) -> tuple[dict[str, Any], int | None]:
    """The question without its agent, and when the action it is taken from was begun."""
    said = asked.model_dump(exclude={"at", "action"})
    if (asked.action is None) == (asked.tool is None):
        raise Invalid("a question names either an `action` or a `tool`", code="audit.could")
    if asked.action is None:
        return said, None
    if Permission.AUDIT_PAYLOAD_READ not in person.permissions:
        raise Forbidden(
            f"what an action carried needs the permission `{Permission.AUDIT_PAYLOAD_READ}`",
            code="permission.missing",
            hint="name the tool and its arguments",
        )
    return _as_it_was(here.insight.record(asked.action, True), said)


def _as_it_was(record: Record, said: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What an action asked, with the facts and windows it was decided on."""
    first: Any = next((leaf for _, leaf in record.leaves if "decision" in leaf), None)
    if first is None:
        raise NotFound(f"`{record.action[:40]}` is no action", code="action.unknown")
    arguments = record.parts.get("arguments")
    if arguments is None or arguments.state != "shown":
        raise Invalid("what the action asked is not kept any more", code="audit.could", hint="say tool and arguments")
    facts = next((part.value for name, part in sorted(record.parts.items()) if name.startswith("facts")), None)
    decided = {
        "tool": first["tool"],
        "arguments": arguments.value,
        "facts": {**(facts if isinstance(facts, dict) else {}), **said["facts"]},
        "windows": {**first["decision"].get("windows", {}), **said["windows"]},
        "labels": said["labels"] or first.get("labels", []),
    }
    return {**said, **decided}, first["at"]


def _capable(found: Capable) -> CapableAnswer:
    verdict = found.verdict
    return CapableAnswer(
        agent=found.agent,
        unit=found.unit,
        revision=found.revision,
        effect=verdict.effect,
        policies=list(verdict.policies),
        reasons=list(verdict.reasons),
        roles=sorted({ask.role for ask in verdict.needed}),
        stopped=found.stopped,
    )


def _order(found: Capable) -> tuple[bool, str, str]:
    return found.stopped is not None, found.verdict.effect, found.agent
