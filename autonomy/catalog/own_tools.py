"""Tools that need no manifest of their own: the organisation has them because it declares something else.

They are tools like any other: scopes, units, policies, budgets and the log know them by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

from .decision import DecisionSpec, case_of
from .model import ConnectorSpec, PolicySpec, RoleSpec, ToolSpec, UnitSpec
from .words import Strict

if TYPE_CHECKING:
    from .organisation import Organisation, Revision

Kinds = Mapping[str, "Mapping[str, Revision]"]
"""What is declared: kind → name → object."""


class Own(NamedTuple):
    """An object of the system itself, with the fields of a `Revision`."""

    kind: str
    name: str
    unit: str
    digest: str
    description: str
    spec: Strict


MEMORY = "memory"
"""The connector of the tools by which agents remember, and the beginning of their names."""

DECISION = "decision"
"""The connector of decision tables, and the beginning of the names of their tools."""

ACCESS = "access"
"""The connector of the tool by which agents ask for a role more, and the beginning of its name."""

ACCESS_REQUEST = f"{ACCESS}.request"

GOAL = "goal"
"""The connector of the tool by which plans for goals are proposed, the beginning of its name, and the workflow that
every goal is a run of."""

GOAL_PROPOSE = f"{GOAL}.propose"

MAX_TEXT = 20_000  # characters of an item's text
MAX_REASON = 1_000  # characters of why an agent asks for a role
MAX_QUERY = 1_000  # characters of what is searched for
MAX_WAIT_S = 20  # how long who recalls waits for who is working on it
MAX_LEASE_S = 3_600  # how long work that was begun stays somebody's without a word

_NAME: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": 63}
_ITEM: Json = {"type": "string", "pattern": "^mem_[0-9a-z]{1,40}$"}
_SPACE: Json = {"type": "string", "maxLength": 63}
_TIME: Json = {"type": "integer", "minimum": 0, "description": "milliseconds since 1970"}
_TASK: Json = {"type": "string", "minLength": 1, "maxLength": 500, "description": "what is to be done"}
_INPUTS: Json = {
    "type": "object",
    "additionalProperties": True,
    "description": "what it is to be done with; the same task and inputs, the same work",
}


def own(kinds: Kinds) -> Iterator[Own]:
    """The connectors and tools that come with what is declared."""
    if kinds.get("MemorySpace"):
        yield from _memory(_root(kinds))
    if _speaks_of(kinds, ACCESS_REQUEST):
        yield from _access(_root(kinds))
    if _speaks_of(kinds, GOAL_PROPOSE):
        yield from _goals(_root(kinds))
    if declared := kinds.get("Decision"):
        yield _connector(DECISION, _root(kinds), "Decision tables")
        yield from map(_decision, declared.values())


def every_own(organisation: Organisation) -> Iterator[Own]:
    """Every connector and tool of the system itself, for what was begun when they were there."""
    yield from _memory(organisation.root.name)
    yield from _access(organisation.root.name)
    yield from _goals(organisation.root.name)
    yield from map(_decision, organisation.all("Decision").values())


def entry_point(connector: str) -> str:
    """The name by which a connector of the system itself is found, which no package may have."""
    return f"autonomy.{connector}"


def is_own(name: str) -> bool:
    """Whether a tool or connector of this name belongs to the system itself."""
    return any(name == own or name.startswith(f"{own}.") for own in (MEMORY, DECISION, ACCESS, GOAL))


def _root(kinds: Kinds) -> str:
    """The unit that has no parent. What is declared without one is refused by a check of its own."""
    for unit in kinds.get("Unit", {}).values():
        if isinstance(unit.spec, UnitSpec) and unit.spec.parent is None:
            return unit.name
    return ""


def _memory(unit: str) -> Iterator[Own]:
    yield _connector(MEMORY, unit, "The shared memory of agents")
    for name, (effect, description, properties, required) in _MEMORY_TOOLS.items():
        said: dict[str, Any] = {
            "connector": MEMORY,
            "call": {"function": name},
            "input": {
                "type": "object",
                "properties": properties,
                "required": list(required),
                "additionalProperties": False,
            },
            "effect": effect,
            "trust": "trusted",  # each item says for itself whether it may be trusted
            "deadline": f"{MAX_WAIT_S + 10}s",
        }
        if "subject" in properties:
            said["subject"] = "subject"
        yield _tool(f"{MEMORY}.{name}", unit, description, said)


def _speaks_of(kinds: Kinds, tool: str) -> bool:
    """Whether a unit or role grants the tool by name, or a rule is about it: `*` alone never meant to give it."""
    patterns_of_it = (tool, f"{tool.partition('.')[0]}.*")
    lists = [one.spec.tools for one in kinds.get("Unit", {}).values() if isinstance(one.spec, UnitSpec)]
    lists += [one.spec.scope.tools for one in kinds.get("Role", {}).values() if isinstance(one.spec, RoleSpec)]
    texts = [one.spec.text for one in kinds.get("Policy", {}).values() if isinstance(one.spec, PolicySpec)]
    named = any(pattern in patterns_of_it for patterns in lists for pattern in patterns)
    return named or any(f'"{tool}"' in text for text in texts)


def _access(unit: str) -> Iterator[Own]:
    yield _connector(ACCESS, unit, "Access of agents")
    about: dict[str, Json] = {"function": "about", "type": "string"}
    said: dict[str, Any] = {
        "connector": ACCESS,
        "call": {"function": "request"},
        "input": {
            "type": "object",
            "properties": {
                "agent": _NAME | {"description": "who shall have it: you, or an agent of your unit or below"},
                "role": _NAME | {"description": "the role that is asked for"},
                "reason": {"type": "string", "minLength": 1, "maxLength": MAX_REASON, "description": "what it is for"},
            },
            "required": ["agent", "role", "reason"],
            "additionalProperties": False,
        },
        "effect": "write-queryable",
        "reconcile": {"function": "granted"},
        "risk": "critical",
        "facts": {name: about | {"select": f"/{name}"} for name in ("agent_unit", "role_unit")},
        "trust": "trusted",
        "deadline": f"{MAX_WAIT_S + 10}s",
    }
    yield _tool(ACCESS_REQUEST, unit, "Ask people to give an agent one role more", said)


def _goals(unit: str) -> Iterator[Own]:
    yield _connector(GOAL, unit, "Goals and the plans for them")
    about: dict[str, Json] = {"function": "about"}
    texts = {name: about | {"type": "string", "select": f"/{name}"} for name in ("agents", "graph", "tools", "unit")}
    numbers = {name: about | {"type": "integer", "select": f"/{name}"} for name in ("changes", "steps")}
    said: dict[str, Any] = {
        "connector": GOAL,
        "call": {"function": "propose"},
        "input": {
            "type": "object",
            "properties": {
                "goal": {"type": "string", "pattern": "^run_[0-9a-z]{1,40}$"},
                "plan": {"type": "object", "additionalProperties": True, "description": "the workflow it becomes"},
            },
            "required": ["goal", "plan"],
            "additionalProperties": False,
        },
        "effect": "write-keyed",
        "risk": "high",
        "facts": texts | numbers,
        "trust": "trusted",
        "deadline": f"{MAX_WAIT_S + 10}s",
    }
    yield _tool(GOAL_PROPOSE, unit, "Propose a plan for a goal: the result of its task", said)


def _decision(declared: Revision) -> Own:
    """The tool that asks a decision table: its inputs are the arguments."""
    table = declared.spec
    assert isinstance(table, DecisionSpec)  # the kind says so
    said: dict[str, Any] = {
        "connector": DECISION,
        "call": {"function": declared.name},
        "input": case_of(table),
        "effect": "read",
        "trust": "trusted",
        "tags": list(table.tags),
    }
    digest = canonical.digest([declared.digest, said])
    name = f"{DECISION}.{declared.name}"
    return Own("Tool", name, declared.unit, digest, declared.description, ToolSpec.model_validate(said))


def _connector(name: str, unit: str, description: str) -> Own:
    said = {"use": {"type": "python", "entryPoint": entry_point(name), "timeout": f"{MAX_WAIT_S + 10}s"}}
    return Own("Connector", name, unit, canonical.digest(said), description, ConnectorSpec.model_validate(said))


def _tool(name: str, unit: str, description: str, said: dict[str, Any]) -> Own:
    return Own("Tool", name, unit, canonical.digest(said), description, ToolSpec.model_validate(said))


_MEMORY_TOOLS: Mapping[str, tuple[str, str, dict[str, Json], tuple[str, ...]]] = {
    "write": (
        "write-keyed",
        "Remember something for others, in a memory space",
        {
            "space": _SPACE,
            "text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "title": {"type": "string", "maxLength": 200},
            "data": {
                "type": "object",
                "additionalProperties": True,
                "description": "the same as values, for who goes on working with it",
            },
            "subject": {"type": "string", "maxLength": 200, "description": "the person or company it is about"},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
            "untrusted": {"type": "boolean", "description": "a stranger said it"},
            "valid_from": _TIME,
            "valid_until": _TIME,
            "links": {"type": "array", "items": _ITEM, "maxItems": 50, "description": "items it rests on"},
            "task": _TASK,
            "inputs": _INPUTS,
        },
        ("space", "text"),
    ),
    "search": (
        "read",
        "Find what is remembered, by words and, where spaces declare it, by meaning",
        {
            "query": {"type": "string", "minLength": 1, "maxLength": MAX_QUERY},
            "space": _SPACE,
            "limit": {"type": "integer", "minimum": 1, "maximum": 50},
            "by": {
                "enum": ["text", "meaning", "both"],
                "description": "by its words, by what it means, or by both, where spaces have meanings",
            },
        },
        ("query",),
    ),
    "read": ("read", "Read one item of memory", {"item": _ITEM}, ("item",)),
    "recall": (
        "read",
        "Ask before working whether somebody has done it or is at it; if nobody is, it is yours",
        {
            "space": _SPACE,
            "task": _TASK,
            "inputs": _INPUTS,
            "max_age": {"type": "integer", "minimum": 0, "description": "milliseconds; an older result does not do"},
            "claim": {"type": "boolean", "description": "whether you are going to do it where nobody has"},
            "lease": {"type": "integer", "minimum": 1, "maximum": MAX_LEASE_S, "description": "seconds it stays yours"},
            "wait": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_WAIT_S,
                "description": "seconds to wait for somebody who is at it",
            },
        },
        ("space", "task"),
    ),
    "release": (
        "write-keyed",
        "Let others do the work that was yours",
        {"space": _SPACE, "task": _TASK, "inputs": _INPUTS},
        ("space", "task"),
    ),
    "link": (
        "write-keyed",
        "Say how one item of memory relates to another",
        {
            "item": _ITEM,
            "to": _ITEM,
            "relation": {"type": "string", "pattern": "^[a-z][a-z-]{0,30}$"},
        },
        ("item", "to", "relation"),
    ),
    "forget": (
        "write-keyed",
        "Forget items you wrote: one, those of one action or one case, those about a subject, or older ones",
        {
            "space": _SPACE,
            "item": _ITEM,
            "source": {"type": "string", "maxLength": 64, "description": "the action that wrote it"},
            "case": {"type": "string", "maxLength": 200},
            "subject": {"type": "string", "maxLength": 200},
            "before": _TIME,
        },
        ("space",),
    ),
}
"""Name → effect class, what it is for, its arguments, and which of them it needs."""
