"""The shape of an organisation: one root, no circles, and units that only tighten what their parents grant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from .model import AgentSpec, PersonSpec, RoleSpec, UnitSpec
from .organisation import Organisation, Revision, spec
from .problem import Problem, about


def roots(organisation: Organisation) -> Iterator[Problem]:
    """There is exactly one unit without a parent, and it alone says trust domain, currency and rates."""
    units = [(unit, spec(unit, UnitSpec)) for unit in organisation.all("Unit").values()]
    tops = [unit for unit, said in units if said.parent is None]
    if not tops:
        hint = "declare one Unit without `parent`, with `trustDomain` and `currency`"
        yield Problem(message="no unit is the root", hint=hint)
    for unit in tops[1:]:
        yield about(unit, "spec.parent", f"`{tops[0].name}` is the root already", f"write `parent: {tops[0].name}`")
    for unit in tops[:1]:
        yield from _root_fields(unit, spec(unit, UnitSpec))
    for unit, said in units:
        if said.parent is not None:
            yield from _child_fields(unit, said)


def _root_fields(unit: Revision, said: UnitSpec) -> Iterator[Problem]:
    if said.trustDomain is None:
        hint = "write for example `trustDomain: example.com`"
        yield about(unit, "spec.trustDomain", "the root unit has no `trustDomain`", hint)
    if said.currency is None:
        yield about(unit, "spec.currency", "the root unit has no `currency`", "write for example `currency: EUR`")


def _child_fields(unit: Revision, said: UnitSpec) -> Iterator[Problem]:
    for field, value in (("trustDomain", said.trustDomain), ("currency", said.currency), ("rates", said.rates)):
        if value:
            yield about(unit, f"spec.{field}", f"only the root unit says `{field}`", "remove it here")


def circles(organisation: Organisation) -> Iterator[Problem]:
    """Units, agents and people that are above themselves."""
    parents: tuple[tuple[str, str, Callable[[Revision], str | None]], ...] = (
        ("Unit", "spec.parent", lambda unit: spec(unit, UnitSpec).parent),
        ("Agent", "spec.parent", lambda agent: spec(agent, AgentSpec).parent),
        ("Person", "spec.manager", lambda person: spec(person, PersonSpec).manager),
    )
    for kind, field, above in parents:
        for circle in _circles({name: above(one) for name, one in organisation.all(kind).items()}):
            revision = organisation.all(kind)[circle[0]]
            path = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
            yield about(revision, field, f"goes round in a circle: {path}", "name one that is not below it")


def _circles(above: dict[str, str | None]) -> Iterator[Sequence[str]]:
    """Every circle once, from its first name in the alphabet."""
    done: set[str] = set()
    for start in sorted(above):
        path: list[str] = []
        current: str | None = start
        while current is not None and current in above and current not in done:
            done.add(current)
            path.append(current)
            current = above[current]
        if current in path:
            circle = path[path.index(current) :]
            first = circle.index(min(circle))
            yield circle[first:] + circle[:first]


def units_of_units(organisation: Organisation) -> Iterator[Problem]:
    """A unit's place is its parent; `metadata.unit` would be a second word for it."""
    for unit in organisation.all("Unit").values():
        parent = spec(unit, UnitSpec).parent or unit.name
        if unit.unit != parent:
            yield about(unit, "metadata.unit", "a unit's place is its parent", "remove `unit`; write `spec.parent`")


def grants(organisation: Organisation) -> Iterator[Problem]:
    """Units and roles that name tools or data which a unit above them does not grant. `*` means all that is granted."""
    for unit in organisation.all("Unit").values():
        above = organisation.lineage(unit.name)[1:]
        said = spec(unit, UnitSpec)
        yield from _ungranted(organisation, unit, "spec", above, said.tools, said.data)
    for role in organisation.all("Role").values():
        scope = spec(role, RoleSpec).scope
        lineage = organisation.lineage(role.unit)
        yield from _ungranted(organisation, role, "spec.scope", lineage, scope.tools, scope.data)


def _ungranted(
    organisation: Organisation, owner: Revision, field: str, units: Iterable[str], tools: list[str], data: list[str]
) -> Iterator[Problem]:
    granting = [(name, spec(organisation.all("Unit")[name], UnitSpec)) for name in units]
    for index, pattern in enumerate(tools):
        for name, unit in granting:
            if pattern != "*" and not any(covers(wide, pattern) for wide in unit.tools):
                yield about(owner, f"{field}.tools[{index}]", f"the unit `{name}` does not grant `{pattern}`", _GRANT)
                break
    for index, tag in enumerate(data):
        for name, unit in granting:
            if tag != "*" and "*" not in unit.data and tag not in unit.data:
                yield about(owner, f"{field}.data[{index}]", f"the unit `{name}` does not grant data `{tag}`", _GRANT)
                break


_GRANT = "a unit only tightens what the units above it grant; grant it there first, or remove it here"


def covers(wide: str, narrow: str) -> bool:
    """Whether every tool that fits the pattern `narrow` fits the pattern `wide`."""
    if wide in ("*", narrow):
        return True
    return wide.endswith(".*") and narrow != "*" and narrow.startswith(wide[:-1])
