"""A tool as the policy language sees it: an action in groups, a resource, and the shape of what it is asked with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from autonomy.catalog.model import ConnectorSpec, ToolSpec
from autonomy.catalog.operations import input_of
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel.canonical import Json

from . import shapes
from .shapes import Field, RecordOf, Scalar, SetOf, Shape

RESERVED_NAMES = frozenset({"read", "write"})
"""Names of action groups, which a tool therefore cannot have."""

_FACTS = {"integer": Scalar("Long"), "money": Scalar("Long"), "string": Scalar("String"), "boolean": Scalar("Bool")}


@dataclass(frozen=True, eq=False)
class Tool:
    """One Tool manifest; the shapes are worked out on first use and kept. Compared by identity."""

    name: str
    unit: str
    spec: ToolSpec
    input: Mapping[str, Json]
    site: str = ""
    """Where its connector performs; empty where it may be anywhere."""

    @staticmethod
    def of(organisation: Organisation, revision: Revision) -> Tool:
        """The tool that `revision` declares. Raises Invalid where its document does not have its operation."""
        declared = cast(ToolSpec, revision.spec)
        connector = organisation.get("Connector", declared.connector)
        site = cast(ConnectorSpec, connector.spec).site if connector is not None else None
        return Tool(revision.name, revision.unit, declared, input_of(organisation, revision), site or "")

    @property
    def writes(self) -> bool:
        """Whether policy counts it as a write: it changes something, or carries data out."""
        return self.spec.effect != "read" or self.spec.egress

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The action groups it is in: `read` or `write`, its connector, its risk, and `a.*`, `a.b.*` for `a.b.c`."""
        return (
            "write" if self.writes else "read",
            f"connector:{self.spec.connector}",
            f"risk:{self.spec.risk}",
            *_prefixes(self.name),
        )

    @cached_property
    def arguments(self) -> RecordOf:
        return shapes.of_schema(self.input)

    @cached_property
    def facts(self) -> RecordOf:
        return RecordOf({name: Field(_FACTS[fact.type], True) for name, fact in self.spec.facts.items()})

    @cached_property
    def windows(self) -> RecordOf:
        return RecordOf({name: Field(Scalar("Long"), True) for name in self.spec.windows})

    @cached_property
    def context(self) -> RecordOf:
        """What a rule can ask of `context`."""
        return RecordOf({name: Field(shape, True) for name, shape in _context(self).items()})

    @property
    def attributes(self) -> dict[str, Json]:
        """What a rule can ask of `resource`."""
        return {
            "name": self.name,
            "connector": self.spec.connector,
            "risk": self.spec.risk,
            "effect": self.spec.effect,
            "unit": self.unit,
            "tags": list(self.spec.tags),
            "egress": self.spec.egress,
            "site": self.site,
        }


def _context(tool: Tool) -> dict[str, Shape]:
    text = Scalar("String")
    return {
        "arguments": tool.arguments,
        "facts": tool.facts,
        "windows": tool.windows,
        "approvals": SetOf(text),
        "labels": SetOf(text),
        "origin": SetOf(text),
        "cost": Scalar("Long"),
        "delegated": Scalar("Bool"),
        "record": RecordOf({"kind": Field(text, True), "key": Field(text, True)}),
        "site": text,
    }


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts)):
        yield ".".join(parts[:count]) + ".*"
