"""An organisation as declared at one epoch: an immutable snapshot that every process shares and nobody edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

from autonomy.kernel import canonical
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency

from .model import UnitSpec
from .own_tools import own
from .words import Strict

S = TypeVar("S", bound=Strict)


@dataclass(frozen=True, slots=True)
class Revision:
    """One declared object in one wording; `unit` is the unit that declares it.

    `digest` is the SHA-256 of its canonical manifest: same words, same digest.
    """

    kind: str
    name: str
    unit: str
    digest: str
    description: str
    spec: Strict


class Organisation:
    """What is declared at `epoch`, and the tools that come with it. Everything in it refers only to what is in it."""

    def __init__(self, epoch: int, revisions: Iterable[Revision]) -> None:
        self.epoch = epoch
        self._kinds: dict[str, dict[str, Revision]] = {}
        for revision in revisions:
            self._kinds.setdefault(revision.kind, {})[revision.name] = revision
        self._every = dict(self._kinds)
        for each in own(self._kinds):
            declared = self._kinds.get(each.kind, {})
            if self._every.get(each.kind, declared) is declared:
                self._every[each.kind] = dict(declared)
            self._every[each.kind].setdefault(each.name, Revision(*each))

    def all(self, kind: str) -> Mapping[str, Revision]:
        """Every object of `kind` by name, those of the system itself included."""
        return MappingProxyType(self._every.get(kind, {}))

    def get(self, kind: str, name: str) -> Revision | None:
        return self._every.get(kind, {}).get(name)

    def revisions(self) -> Iterable[Revision]:
        """Everything that is declared."""
        for objects in self._kinds.values():
            yield from objects.values()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything that is declared: the same declarations, the same digest, whatever the epoch."""
        return canonical.digest(sorted([one.kind, one.name, one.unit, one.digest] for one in self.revisions()))

    def is_own(self, kind: str, name: str) -> bool:
        """Whether an object is the system's own: nobody declared it, it came with something else."""
        return name in self._every.get(kind, {}) and name not in self._kinds.get(kind, {})

    @cached_property
    def root(self) -> Revision:
        """The one unit without a parent. Raises Invalid where there is none: nothing is governed by nobody."""
        roots = [unit for unit in self.all("Unit").values() if spec(unit, UnitSpec).parent is None]
        if len(roots) != 1:
            raise Invalid(
                f"{len(roots)} units have no parent", code="catalog.root", hint="declare exactly one root unit"
            )
        return roots[0]

    def lineage(self, unit: str) -> tuple[str, ...]:
        """`unit` and its ancestors, nearest first, the root last; empty for an unknown unit."""
        return self._lineages.get(unit, ())

    @cached_property
    def _lineages(self) -> Mapping[str, tuple[str, ...]]:
        return {unit: self._lineage(unit) for unit in self.all("Unit")}

    def _lineage(self, unit: str) -> tuple[str, ...]:
        found: list[str] = []
        current: str | None = unit
        while current and current not in found and (revision := self.get("Unit", current)):
            found.append(current)
            current = spec(revision, UnitSpec).parent
        return tuple(found)

    @cached_property
    def currency(self) -> Currency:
        """The base currency and the declared rates of the root unit."""
        root = spec(self.root, UnitSpec)
        return Currency(root.currency or "EUR", {code: Decimal(rate) for code, rate in root.rates.items()})

    @cached_property
    def trust_domain(self) -> str:
        """The SPIFFE trust domain in which this organisation's agents have their identities."""
        return spec(self.root, UnitSpec).trustDomain or "autonomy.local"

    def grants(self, unit: str, tool: str) -> bool:
        """Whether every unit from `unit` up to the root admits `tool`; a unit can only tighten its parent."""
        lineage = self.lineage(unit)
        specs = [spec(revision, UnitSpec) for name in lineage if (revision := self.get("Unit", name))]
        return bool(specs) and all(matches(unit.tools, tool) for unit in specs)

    def grants_data(self, unit: str, tags: Iterable[str]) -> bool:
        """Whether every unit from `unit` up to the root admits data with each of `tags`."""
        specs = [spec(revision, UnitSpec) for name in self.lineage(unit) if (revision := self.get("Unit", name))]
        return all("*" in unit.data or tag in unit.data for unit in specs for tag in tags)


def matches(patterns: Iterable[str], tool: str) -> bool:
    """Whether a tool's name fits one of the patterns `*`, `prefix.*`, `name`."""
    return any(
        pattern == "*" or pattern == tool or (pattern.endswith(".*") and tool.startswith(pattern[:-1]))
        for pattern in patterns
    )


def spec(revision: Revision, model: type[S]) -> S:
    """The spec of `revision`, which must be a `model`; raises Invalid where it is of another kind."""
    if not isinstance(revision.spec, model):
        raise Invalid(f"`{revision.name}` is a {revision.kind}", code="catalog.kind")
    return revision.spec
