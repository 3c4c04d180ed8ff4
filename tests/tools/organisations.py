"""Small organisations in code: one root unit, and whatever connectors, tools and roles a test needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autonomy.catalog.model import SPECS
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel import canonical
from autonomy.tools import Connectors, Invocation, Registry, Tool
from autonomy.tools.credential import Credential

ROOT = {"currency": "EUR", "trustDomain": "example.org", "rates": {"USD": "0.5"}}


def revision(kind: str, name: str, spec: dict[str, Any], unit: str = "root") -> Revision:
    """One declared object."""
    digest = canonical.digest({"kind": kind, "name": name, "spec": spec})
    return Revision(kind, name, unit, digest, f"the {name}", SPECS[kind].model_validate(spec))


def organisation(*revisions: Revision, epoch: int = 1) -> Organisation:
    """The root unit and `revisions`."""
    return Organisation(epoch, [revision("Unit", "root", ROOT), *revisions])


def connector(name: str, **use: Any) -> Revision:
    return revision("Connector", name, {"use": use})


def tool(name: str, **spec: Any) -> Revision:
    """A tool with sensible rest: a read that takes nothing."""
    declared: dict[str, Any] = {
        "connector": "erp",
        "call": {"function": "run"},
        "input": arguments(),
        "effect": "read",
    }
    return revision("Tool", name, declared | spec)


def role(name: str, tools: list[str], data: list[str] | None = None) -> Revision:
    spec = {
        "scope": {"tools": tools, "data": data or []},
        "responsibilities": ["buys"],
        "decisionBoundaries": ["does not pay"],
        "escalationTargets": ["lead"],
        "expectations": [{"measure": "cost", "target": "low"}],
    }
    return revision("Role", name, spec)


def arguments(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object; a property is a type's name or a schema."""
    schemas = {name: {"type": what} if isinstance(what, str) else what for name, what in properties.items()}
    return {"type": "object", "properties": schemas, "required": list(required)}


def sql(*statements: str, expect: int | None = None) -> dict[str, Any]:
    """A call of statements, each expected to touch `expect` rows."""
    return {"statements": [{"sql": text, "expectRows": expect} for text in statements]}


def invocation(deadline_s: float = 5.0, action_id: str = "act_1") -> Invocation:
    return Invocation(action_id, "spiffe://example.org/agent/buyer", deadline_s)


def no_secret(name: str) -> Credential:
    raise AssertionError(f"nobody may ask for `{name}`")


class Bench:
    """Connectors over an organisation that a test can exchange."""

    def __init__(self, *revisions: Revision, folder: Path = Path(), **how: Any) -> None:
        self.organisation = organisation(*revisions)
        self.reveal = how.pop("reveal", no_secret)
        self.connectors = Connectors(lambda: self.organisation, lambda name: self.reveal(name), folder, **how)

    def tool(self, name: str) -> Tool:
        return Registry.build(self.organisation).get(name)

    async def call(self, name: str, deadline_s: float = 30.0, /, **values: Any) -> Any:
        """The value of one call."""
        result = await self.connectors.call(self.tool(name), values, invocation(deadline_s))
        return result.value

    async def __aenter__(self) -> Bench:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connectors.close()
