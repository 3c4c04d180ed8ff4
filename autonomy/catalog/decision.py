"""Decision tables: the same case gets the same answer, whoever asks. Rows of conditions over typed inputs, in CEL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from .words import Field_, Name, Strict, Text, fault

MAX_ROWS = 500
MAX_INPUTS = 20

Hit = Literal["unique", "first", "collect"]


class DecisionRow(Strict):
    """One row: where `when` holds for the inputs, the outputs are `then`."""

    when: Text = Field(description="a CEL expression over the inputs, true or false; `true` for every case")
    then: dict[Field_, Any] = Field(description="a value for each output")
    note: str = Field("", description="why, for people")


class DecisionTest(Strict):
    """A case and what must come of it: the outputs; of `collect` a list of them."""

    name: Text
    inputs: dict[Field_, Any]
    expect: dict[Field_, Any] | list[dict[Field_, Any]]


class DecisionSpec(Strict):
    """A decision table, usable as the tool `decision.NAME`. Gaps, overlaps and rows that never apply are refused."""

    inputs: dict[Field_, dict[str, Any]] = Field(
        min_length=1, max_length=MAX_INPUTS, description="name → JSON Schema of the value; every input is needed"
    )
    outputs: dict[Field_, dict[str, Any]] = Field(min_length=1, description="name → JSON Schema of the value")
    hit: Hit = Field(
        "unique", description="`unique`: exactly one row fits; `first`: the first that fits; `collect`: all that fit"
    )
    rows: list[DecisionRow] = Field(min_length=1, max_length=MAX_ROWS)
    tests: list[DecisionTest] = Field([], max_length=MAX_ROWS)
    tags: list[Name] = Field([], description="classes of data its inputs and outputs are of")

    @model_validator(mode="after")
    def _rows_say_every_output(self) -> DecisionSpec:
        for number, row in enumerate(self.rows, 1):
            if odd := set(row.then) ^ set(self.outputs):
                name = min(odd)
                said = "is missing in" if name in self.outputs else "is no output, in"
                raise fault(f"`{name}` {said} row {number}", "give each row a value for each of `outputs`, no other")
        return self

    @model_validator(mode="after")
    def _expects_what_it_answers(self) -> DecisionSpec:
        for test in self.tests:
            if isinstance(test.expect, list) != (self.hit == "collect"):
                wanted = "a list" if self.hit == "collect" else "one object of outputs"
                raise fault(f"the test `{test.name[:60]}` expects the wrong shape", f"`{self.hit}` answers {wanted}")
        return self


def answer_of(table: DecisionSpec) -> dict[str, Any]:
    """The JSON Schema of what a table answers: its outputs (a list of them for `collect`), the numbers of the rows that
    gave them, and the wording that was asked."""
    outputs: dict[str, Any] = _whole(table.outputs)
    members = {
        "decision": {"type": "string"},
        "revision": {"type": "string"},
        "outputs": {"type": "array", "items": outputs} if table.hit == "collect" else outputs,
        "rows": {"type": "array", "items": {"type": "integer"}},
    }
    return _whole(members)


def case_of(table: DecisionSpec) -> dict[str, Any]:
    """The JSON Schema of a case: every input is needed, and nothing else is taken."""
    return _whole(table.inputs)


def _whole(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
        "additionalProperties": False,
    }
