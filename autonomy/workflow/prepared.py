"""A definition made ready for `advance`: its expressions compiled, its contracts read; kept while it is in use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from autonomy import expressions
from autonomy.expressions import ANY, Expression, Type, of_schema
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.tools.contract import Contract, too_large
from autonomy.tools.schema import Schema

from .definition import Definition, ForeachWork

KEPT = 256  # definitions whose expressions stay compiled in a process

_WHOLE = Type("integer")
_FIXED = {"run": ANY, "now": Type("timestamp"), "index": _WHOLE, "previous": ANY, "round": _WHOLE}


class Prepared:
    """The expressions and contracts of one definition, each made when it is first needed."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._expressions: dict[str, Expression] = {}
        self._contracts: dict[str, Contract] = {}
        self.items = {id: step.work.item for id, step in definition.steps.items() if isinstance(step.work, ForeachWork)}

    @cached_property
    def variables(self) -> Mapping[str, Type]:
        """Every variable that an expression of this workflow may read."""
        items = {name: of_schema(schema) for name, schema in self.definition.types.get("items", {}).items()}
        outputs = of_schema(self.definition.types.get("steps", {})).members
        steps = {name: Type("object", fields=(("output", kind),)) for name, kind in outputs.items()}
        known = {"input": of_schema(self.definition.input), "steps": Type("object", fields=tuple(steps.items()))}
        return {**dict.fromkeys(self.items.values(), ANY), **items, **known, **_FIXED}

    @cached_property
    def _input(self) -> Schema:
        return Schema(self.definition.input)

    def expression(self, text: str) -> Expression:
        """The expression, which was checked when the workflow was applied."""
        found = self._expressions.get(text)
        if found is None:
            found = self._expressions[text] = expressions.compile(text, self.variables, check=False)
        return found

    def input_breach(self, input: Json) -> str:
        """Why a run cannot begin with this input; empty where it can."""
        try:
            self._input.validate(input)
        except Invalid as error:
            return str(error)
        return ""

    def breach(self, step: str, output: Json) -> str:
        """What of the contract of `step` its output does not keep; empty where it keeps all or there is none.

        What is too large stays where it is, and its name goes through the run.
        """
        if found := too_large(output):
            return found
        declared = self.definition.steps[step].contract
        if declared is None:
            return ""
        if step not in self._contracts:
            self._contracts[step] = Contract(declared)
        return self._contracts[step].breach(output)


def prepare(definition: Definition) -> Prepared:
    """The prepared definition; the same one for the same digest, as long as it is in use."""
    found = _KEPT.pop(definition.digest, None) or Prepared(definition)
    _KEPT[definition.digest] = found
    if len(_KEPT) > KEPT:
        _KEPT.pop(next(iter(_KEPT)), None)
    return found


_KEPT: dict[str, Prepared] = {}
"""By digest, the one used longest ago first. It is a memory of computed things only: nothing depends on it."""
