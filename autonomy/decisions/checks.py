"""Everything that is wrong with the decision tables of an organisation, before it goes live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from autonomy.catalog.decision import DecisionSpec
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.problem import Problem, about
from autonomy.expressions import compile
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from .gaps import faults
from .table import Table


def check(organisation: Organisation) -> list[Problem]:
    """Wrong schemas, conditions and outputs; gaps, overlaps and rows nobody reaches; tests that do not hold."""
    return [problem for each in organisation.all("Decision").values() for problem in _problems(each)]


def outcomes(organisation: Organisation) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Table, test and differences of every test of every table; what is wrong with the rows counts as a test."""
    for revision in organisation.all("Decision").values():
        said = spec(revision, DecisionSpec)
        wrong = [problem for problem in _problems(revision) if not problem.field.startswith("spec.tests")]
        if wrong:
            yield revision.name, "the table itself", tuple(f"{each.field}: {each.message}" for each in wrong)
            continue
        table = Table(revision.name, revision.digest, said)
        for index, test in enumerate(said.tests):
            difference = tested(table, index)
            yield revision.name, test.name, (difference,) if difference else ()


def _problems(revision: Revision) -> Iterator[Problem]:
    said = spec(revision, DecisionSpec)
    wrong = [*_schemas(revision, said)]
    if not wrong:
        table = Table(revision.name, revision.digest, said)
        wrong = [*_conditions(revision, table), *_outputs(revision, said)]
    if not wrong:
        wrong = [*_gaps(revision, table), *_tests(revision, table)]
    yield from wrong


def _schemas(revision: Revision, said: DecisionSpec) -> Iterator[Problem]:
    for part, schemas in (("inputs", said.inputs), ("outputs", said.outputs)):
        for name, schema in schemas.items():
            try:
                jsonschema_rs.Draft202012Validator(schema)
            except (ValueError, jsonschema_rs.ReferencingError) as error:
                message = str(error).splitlines()[0][:200]
                yield about(
                    revision, f"spec.{part}.{name}", f"it is no JSON Schema: {message}", "write one, `type` first"
                )


def _conditions(revision: Revision, table: Table) -> Iterator[Problem]:
    for index, row in enumerate(table.spec.rows):
        field = f"spec.rows[{index}].when"
        try:
            found = compile(row.when, table.variables)
        except AutonomyError as error:
            yield about(revision, field, error.message, error.hint)
            continue
        if found.result.kind not in ("boolean", "any") or found.result.nullable:
            yield about(revision, field, f"it is `{found.result}`, not true or false", "compare an input with a value")


def _outputs(revision: Revision, said: DecisionSpec) -> Iterator[Problem]:
    validators = {name: jsonschema_rs.Draft202012Validator(schema) for name, schema in said.outputs.items()}
    for index, row in enumerate(said.rows):
        for name, value in row.then.items():
            if message := _misfit(validators[name], value):
                yield about(revision, f"spec.rows[{index}].then.{name}", message, "write what `outputs` declares")


def _misfit(validator: Any, value: Json) -> str:
    error = next(iter(validator.iter_errors(value)), None)
    return "" if error is None else str(error.message)


def _gaps(revision: Revision, table: Table) -> Iterator[Problem]:
    for fault in faults(table):
        field = f"spec.rows[{fault.row - 1}]" if fault.row else "spec.rows"
        yield about(revision, field, fault.message, fault.hint)


def _tests(revision: Revision, table: Table) -> Iterator[Problem]:
    for index, test in enumerate(table.spec.tests):
        if difference := tested(table, index):
            wrong = f"`{test.name[:80]}`: {difference}"
            yield about(revision, f"spec.tests[{index}]", wrong, "mend the rows or the test")


def tested(table: Table, index: int) -> str:
    """In which way a test of the table does not hold; empty where it does."""
    test = table.spec.tests[index]
    try:
        found = table.decide(test.inputs)
    except AutonomyError as error:
        return error.message
    if found.outputs == test.expect:
        return ""
    rows = ", ".join(map(str, found.rows)) or "none"
    return f"expected {test.expect}, got {found.outputs} by row {rows}"
