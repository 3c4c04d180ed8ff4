"""The words of AuthZEN, read strictly, and what they mean here (Authorization API 1.0, sections 5 to 7). Pure.

subject   {type: agent, id: NAME or SPIFFE id}
action    {name: a TOOL, properties: arguments}
resource  {type: the tool's kind of record, or `tool`; id: the record, or the tool's name; properties: arguments}
context   {case, rationale}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autonomy.gate import Reply, Request
from autonomy.gate.results import NO_TRACE
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
SEMANTICS: tuple[Semantic, ...] = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")

MAX_EVALUATIONS = 100  # of one request; each may look facts up in systems of record
MAX_ID = 400

_PARTS = ("subject", "action", "resource", "context")
_CONTEXT = ("case", "rationale")
_TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """May `agent` do this? `record` is the kind and key of the record that the resource names; None: it is the tool."""

    agent: str
    request: Request
    record: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Several evaluations, and when to stop. One that cannot be read stands for its own refusal."""

    evaluations: Sequence[Evaluation | Invalid]
    semantic: Semantic


def read_evaluation(body: Json) -> Evaluation:
    """One evaluation. Raises Invalid (`authzen.request`)."""
    if not isinstance(body, dict):
        raise _bad("the body is not an object")
    subject, action, resource = (_entity(body, name, field) for name, field in _ENTITIES)
    context = body.get("context", {})
    if not isinstance(context, dict):
        raise _bad("`context` is not an object")
    if subject["type"] != "agent":
        raise _bad("`subject.type` is not `agent`: only agents act here")
    tool = action["name"]
    arguments = _joined(_properties(action, "action"), _properties(resource, "resource"))
    said = {name: context[name] for name in _CONTEXT if isinstance(context.get(name), str) and context[name]}
    if not said.get("case", "").isprintable():
        raise _bad("`context.case` holds a character that cannot be printed")
    record = None if resource["type"] == _TOOL else (resource["type"], resource["id"])
    if record is None and resource["id"] != tool:
        raise _bad("`resource` is another tool than `action.name`")
    return Evaluation(subject["id"], Request(tool, arguments, dry_run=True, **said), record)


def read_batch(body: Json) -> Batch | None:
    """Several evaluations; None where the body is a single one. Raises Invalid (`authzen.request`)."""
    if not isinstance(body, dict):
        raise _bad("the body is not an object")
    listed = body.get("evaluations")
    if listed is None or listed == []:
        return None
    if not isinstance(listed, list) or len(listed) > MAX_EVALUATIONS:
        raise _bad(f"`evaluations` is not a list of at most {MAX_EVALUATIONS}")
    options = body.get("options", {})
    semantic = options.get("evaluations_semantic", SEMANTICS[0]) if isinstance(options, dict) else None
    if semantic not in SEMANTICS:
        raise _bad(f"`options.evaluations_semantic` is none of {', '.join(SEMANTICS)}")
    defaults = {name: body[name] for name in _PARTS if name in body}
    return Batch([_read_or_refusal(defaults, one) for one in listed], semantic)


def decision_of(reply: Reply) -> dict[str, Json]:
    """The answer to an evaluation. Only what would be done at once is a yes; what people must approve first is not."""
    context: dict[str, Json] = {"effect": {"allowed": "allow", "held": "hold"}.get(reply.status, "deny")}
    named = {
        "reason": reply.message,
        "code": reply.code,
        "policies": list(reply.policies),
        "needed": list(reply.needed),
        "notices": [notice for notice in reply.notices if notice != NO_TRACE],
        "obligations": reply.detail.get("obligations"),
    }
    return {
        "decision": reply.status == "allowed",
        "context": context | {name: value for name, value in named.items() if value},
    }


def denial_of(error: AutonomyError) -> dict[str, Json]:
    """The answer where nobody could act like that, whatever the rules say."""
    return {"decision": False, "context": {"effect": "deny", "code": error.code, "reason": error.message}}


def refusal_of(error: AutonomyError) -> dict[str, Json]:
    """The answer to an evaluation that could not be made: no, and why (section 7.2.1)."""
    return {"decision": False, "context": {"error": {"status": error.status, "message": error.message}}}


def stops(semantic: Semantic, decision: bool) -> bool:
    """Whether nothing more is asked after this decision."""
    return (semantic == "deny_on_first_deny" and not decision) or (semantic == "permit_on_first_permit" and decision)


_ENTITIES = (("subject", ("type", "id")), ("action", ("name",)), ("resource", ("type", "id")))


def _entity(body: Mapping[str, Json], name: str, fields: Sequence[str]) -> dict[str, Json]:
    found = body.get(name)
    if not isinstance(found, dict):
        raise _bad(f"`{name}` is not an object")
    for field in fields:
        value = found.get(field)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID or not value.isprintable():
            raise _bad(f"`{name}.{field}` is not a text of 1 to {MAX_ID} characters")
    return found


def _properties(entity: Mapping[str, Json], name: str) -> dict[str, Json]:
    found = entity.get("properties", {})
    if not isinstance(found, dict):
        raise _bad(f"`{name}.properties` is not an object")
    return found


def _joined(first: Mapping[str, Json], second: Mapping[str, Json]) -> dict[str, Json]:
    for field in first.keys() & second.keys():
        if first[field] != second[field]:
            raise _bad(f"`{field[:80]}` is said twice, differently")
    return {**first, **second}


def _read_or_refusal(defaults: Mapping[str, Json], one: Json) -> Evaluation | Invalid:
    try:
        return read_evaluation({**defaults, **one} if isinstance(one, dict) else one)
    except Invalid as error:
        return error


def _bad(message: str) -> Invalid:
    return Invalid(message, code="authzen.request")
