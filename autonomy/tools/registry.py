"""The approved operations of an organisation, compiled once for each epoch; and which of them a role may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autonomy.catalog.model import Effect, ToolSpec
from autonomy.catalog.operations import input_of, wording_of
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.catalog.own_tools import every_own
from autonomy.catalog.scope import is_covered, is_granted
from autonomy.kernel import canonical, clock, money
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.kernel.money import Currency

from .model import Cost
from .rules import amount
from .schema import Schema

Arguments = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation in one wording. `revision` is the digest of its manifest; `wording`, which has to be accepted, is
    also that of the operations it calls, as documents have them. `destination` is the digest of its connector's
    manifest, empty where there is none."""

    name: str
    revision: str
    unit: str
    description: str
    spec: ToolSpec
    schema: Schema
    wording: str
    destination: str

    @property
    def connector(self) -> str:
        return self.spec.connector

    @property
    def effect(self) -> Effect:
        return self.spec.effect

    @property
    def is_write(self) -> bool:
        """Whether policy treats it as a write: it changes something, or carries data out."""
        return self.spec.effect != "read" or self.spec.egress

    @property
    def deadline(self) -> float:
        """Seconds one call may take."""
        return clock.duration(self.spec.deadline) / 1000

    def validate(self, arguments: Json) -> None:
        """Raise Invalid (`arguments.invalid`) where the arguments do not fit the schema."""
        self.schema.validate(arguments)

    def record_of(self, arguments: Arguments) -> tuple[str, str] | None:
        """Kind and key of the record this changes; none where the tool declares none.

        Raises Invalid (`record.missing`) where it declares one and the arguments do not name it.
        """
        if self.spec.record is None:
            return None
        key = arguments.get(self.spec.record.key)
        if key is None or key == "":
            raise Invalid(f"the argument `{self.spec.record.key}` names no record", code="record.missing")
        # Canonical, so that 7 and 7.0 are one record.
        return self.spec.record.kind, key if isinstance(key, str) else canonical.encode(key).decode()

    def about_record(self, arguments: Arguments, kind: str, key: str) -> Arguments:
        """The arguments with the record named as somebody else names it; raises Invalid (`record.kind`)."""
        declared = self.spec.record
        if declared is None or declared.kind != kind:
            raise Invalid(f"`{self.name}` changes no record of the kind `{kind[:80]}`", code="record.kind")
        said = arguments.get(declared.key, key)
        if (said if isinstance(said, str) else canonical.encode(said).decode()) != key:
            raise Invalid("two records are named", code="record.kind", hint="name the same one, or name it once")
        return {declared.key: key, **arguments}

    def cost_of(self, arguments: Arguments, currency: Currency) -> Cost:
        """The worst case of one call; raises Invalid (`cost.*`, `money.*`) where it cannot be told."""
        cost = Cost(self._money(arguments, currency), self._tokens(arguments))
        if cost.money < 0 or cost.tokens < 0:
            raise Invalid("a cost is less than nothing", code="cost.negative")
        return cost

    def subject_of(self, arguments: Arguments) -> str | None:
        """The person or company the data is about, as the arguments name it; none where they name nobody."""
        named = arguments.get(self.spec.subject) if self.spec.subject else None
        if named is None or isinstance(named, str):
            return named
        return canonical.encode(named).decode()

    def _money(self, arguments: Arguments, currency: Currency) -> int:
        declared = self.spec.cost.amount
        if declared is None:
            return 0
        code = self._named(arguments, self.spec.cost.currency) if self.spec.cost.currency else currency.base
        if not isinstance(code, str):
            raise Invalid(f"the argument `{self.spec.cost.currency}` names no currency", code="cost.currency")
        if declared[0].isdigit():
            return currency.minor(*money.parse(declared, code))
        stated = self._named(arguments, declared)
        if isinstance(stated, bool) or not isinstance(stated, (int, float, str)):
            raise Invalid(f"the argument `{declared}` is not an amount", code="cost.amount", hint="send a number")
        return currency.minor(*amount(stated, code))

    def _tokens(self, arguments: Arguments) -> int:
        declared = self.spec.cost.tokens
        stated = self._named(arguments, declared) if isinstance(declared, str) else declared or 0
        if isinstance(stated, bool) or not isinstance(stated, int):
            raise Invalid(
                f"the argument `{declared}` is not a number of tokens", code="cost.tokens", hint="send an integer"
            )
        return stated

    def _named(self, arguments: Arguments, name: str) -> Json:
        if arguments.get(name) is None:
            raise Invalid(
                f"the argument `{name}` is needed to tell the cost", code="cost.missing", hint=f"add `{name}`"
            )
        return arguments[name]


class Registry:
    """Every approved operation at one epoch, by name. Immutable."""

    def __init__(self, organisation: Organisation, tools: Mapping[str, Tool]) -> None:
        self.epoch = organisation.epoch
        self.tools = MappingProxyType(dict(tools))
        self._organisation = organisation
        self._visible: dict[tuple[frozenset[str], str], frozenset[str]] = {}

    @classmethod
    def build(cls, organisation: Organisation) -> Registry:
        """Compile every tool; raises Invalid naming the first whose schema cannot be enforced."""
        return cls(
            organisation, {name: _tool(organisation, revision) for name, revision in organisation.all("Tool").items()}
        )

    @classmethod
    def own(cls, organisation: Organisation) -> Registry:
        """The system's own tools, whether or not anything is declared that they come with."""
        own = (Revision(*each) for each in every_own(organisation) if each.kind == "Tool")
        return cls(organisation, {each.name: _tool(organisation, each) for each in own})

    def get(self, name: str) -> Tool:
        """The tool `name`; raises NotFound (`tool.unknown`)."""
        tool = self.tools.get(name)
        if tool is None:
            raise unknown(name)
        return tool

    def is_own(self, name: str) -> bool:
        """Whether the tool is the system's own, which comes with its release."""
        return self._organisation.is_own("Tool", name)

    def listed_for(self, roles: Iterable[str], unit: str) -> frozenset[str]:
        """The names an agent with these roles in this unit may see: role scope within what the units were granted."""
        key = (frozenset(roles), unit)
        found = self._visible.get(key)
        if found is None:
            found = self._visible[key] = frozenset(self._listed_for(*key))
        return found

    def _listed_for(self, roles: frozenset[str], unit: str) -> Iterator[str]:
        for name, tool in self.tools.items():
            tags = tool.spec.tags
            if is_covered(self._organisation, roles, name, tags) and is_granted(self._organisation, unit, name, tags):
                yield name


def unknown(name: str) -> NotFound:
    """The one answer for a tool that does not exist and for one the caller may not see."""
    return NotFound(f"there is no tool `{name[:63]}`", code="tool.unknown", hint="list the tools you may use")


def _tool(organisation: Organisation, revision: Revision) -> Tool:
    spec = _spec(revision)
    try:
        schema = Schema(input_of(organisation, revision))
        wording = wording_of(organisation, revision)
    except Invalid as error:
        raise Invalid(f"tool `{revision.name}`: {error.message}", code=error.code, hint=error.hint) from None
    connector = organisation.get("Connector", spec.connector)
    destination = connector.digest if connector else ""
    return Tool(revision.name, revision.digest, revision.unit, revision.description, spec, schema, wording, destination)


def _spec(revision: Revision) -> ToolSpec:
    if not isinstance(revision.spec, ToolSpec):
        raise Invalid(f"`{revision.name}` is not a tool", code="catalog.kind")
    return revision.spec
