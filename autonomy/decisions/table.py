"""A decision table, compiled: conditions that are evaluated, and inputs that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jsonschema_rs

from autonomy.catalog.decision import DecisionSpec, case_of
from autonomy.expressions import Expression, Type, compile, of_schema
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid

from .model import Decided, Inputs, shown


class Table:
    """One declared table in one revision."""

    def __init__(self, name: str, revision: str, spec: DecisionSpec) -> None:
        self.name = name
        self.revision = revision
        self.spec = spec

    @cached_property
    def variables(self) -> Mapping[str, Type]:
        """The inputs, as conditions see them."""
        return {name: of_schema(schema) for name, schema in self.spec.inputs.items()}

    @cached_property
    def conditions(self) -> tuple[Expression, ...]:
        """The conditions of the rows. Raises Invalid (`expression.*`) for the first that is wrong."""
        return tuple(compile(row.when, self.variables) for row in self.spec.rows)

    @cached_property
    def _admits(self) -> Any:
        return jsonschema_rs.Draft202012Validator(case_of(self.spec))

    def decide(self, inputs: Inputs) -> Decided:
        """The answer for a case.

        Raises Invalid (`decision.inputs`) for a case that does not fit, Conflict where no row fits (`decision.no_row`)
        or two do and one should (`decision.two_rows`); both can only be where nobody could tell before.
        """
        self.admit(inputs)
        fitting = self._fitting(inputs)
        if self.spec.hit == "collect":
            return self._decided([self._outputs(number) for number in fitting], fitting)
        if not fitting:
            raise Conflict(f"no row of `{self.name}` fits: {shown(inputs)}", code="decision.no_row")
        if self.spec.hit == "unique" and len(fitting) > 1:
            raise Conflict(
                f"the rows {fitting[0]} and {fitting[1]} of `{self.name}` both fit: {shown(inputs)}",
                code="decision.two_rows",
            )
        return self._decided(self._outputs(fitting[0]), fitting[:1])

    def admit(self, inputs: Inputs) -> None:
        """Raise Invalid (`decision.inputs`) where a case does not fit the declared inputs."""
        error = next(iter(self._admits.iter_errors(dict(inputs))), None)
        if error is not None:
            place = ".".join(str(part) for part in error.instance_path)
            raise Invalid(f"`{place}`: {error.message}" if place else str(error.message), code="decision.inputs")

    def holds(self, number: int, inputs: Inputs) -> bool:
        """Whether the condition of a row (from 1) holds. Raises Invalid (`expression.*`) where it cannot be told."""
        found = self.conditions[number - 1].evaluate(inputs)
        if not isinstance(found, bool):
            raise Invalid(f"row {number} is neither true nor false", code="decision.condition")
        return found

    def _fitting(self, inputs: Inputs) -> list[int]:
        """The rows that fit; for `first` no more than that."""
        found = []
        for number in range(1, len(self.spec.rows) + 1):
            if self.holds(number, inputs):
                found.append(number)
                if self.spec.hit == "first":
                    break
        return found

    def _outputs(self, number: int) -> Json:
        return dict(self.spec.rows[number - 1].then)

    def _decided(self, outputs: Json, rows: list[int]) -> Decided:
        return Decided(self.name, self.revision[:12], outputs, tuple(rows))
