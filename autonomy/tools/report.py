"""Collects what is wrong with one declared object. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autonomy.catalog.problem import Problem, nearest
from autonomy.kernel.errors import Invalid

from .schema import Schema

SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
NUMBERS = frozenset({"string", "integer", "number"})
"""Amounts of money may be written as text, so that no reader rounds them."""


class Report:
    """The problems of one object, in the order in which they were found."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind = kind
        self._name = name
        self.problems: list[Problem] = []

    def say(self, field: str, message: str, hint: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(message=message, hint=hint, kind=self._kind, name=self._name, field=field))

    @contextmanager
    def within(self, field: str) -> Iterator[None]:
        """Note as a problem of `field` what is raised as Invalid inside."""
        try:
            yield
        except Invalid as error:
            self.say(field, error.message, error.hint)

    def argument(
        self, field: str, name: str, schema: Schema, types: frozenset[str] = SCALARS, *, required: bool = False
    ) -> None:
        """Note where `name` is no declared argument of one of `types`, or is not `required` where it must be."""
        if name not in schema.properties:
            self.say(
                field, f"there is no argument `{name}`", nearest(name, schema.properties) or "declare it in `input`"
            )
        elif not _types(schema.properties[name]) <= types:
            self.say(field, f"the argument `{name}` may be something else than {_listed(types)}", "declare its `type`")
        elif required and name not in schema.required:
            self.say(field, f"the argument `{name}` may be missing", f"add `{name}` to `required`")


def _types(schema: object) -> set[str]:
    """The JSON types an argument may have, as far as its schema says so by itself; `any` where it does not."""
    if not isinstance(schema, dict):
        return {"any"}
    declared = schema.get("type")
    if isinstance(declared, str):
        return {declared}
    if isinstance(declared, list):
        return {str(kind) for kind in declared}
    options = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return {_type_of(option) for option in options} if isinstance(options, list) else {"any"}


def _type_of(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return names.get(type(value), "any")


def _listed(types: frozenset[str]) -> str:
    return ", ".join(sorted(types - {"null"}))
