"""Cases that fall through a table, cases that fit two rows, and rows that no case reaches: each with an example."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from .atoms import Inexact, literals, values
from .model import Inputs, shown
from .table import Table

MAX_CASES = 20_000  # kinds of cases that are tried; a table that tells more apart ends with a row for all others
MAX_EVALUATIONS = 100_000


class Fault(Struct, frozen=True):
    """What is wrong with a table: at which row (from 1; 0 for the table), and what would be right."""

    row: int
    message: str
    hint: str


def faults(table: Table) -> list[Fault]:
    """Everything that is wrong with the rows together. A table whose conditions compare more than inputs with literals
    cannot be looked through; it has to be `first` (or `collect`) and to end with a row for every case."""
    if table.spec.hit == "collect":
        return []
    try:
        tried = list(_cases(table))
    except Inexact as inexact:
        return _unless_caught(table, str(inexact))
    return list(_faults(table, tried))


def _unless_caught(table: Table, why: str) -> list[Fault]:
    if table.spec.hit == "first" and table.spec.rows[-1].when.strip() == "true":
        return []
    return [
        Fault(
            0,
            f"nobody can tell whether every case has one row, for of `{why[:80]}`",
            'write `hit: first`, and a last row `when: "true"`; or compare inputs with literals only',
        )
    ]


def _faults(table: Table, tried: Sequence[Inputs]) -> Iterator[Fault]:
    reached: set[int] = set()
    doubled: set[tuple[int, int]] = set()
    fell = False
    fits = _Fits(table)
    for case in tried:
        try:
            fitting = fits.rows(case)
        except (Invalid, TooLarge) as error:
            yield Fault(0, f"it fails for {shown(case)}: {error.message}", "let no condition fail, for null neither")
            return
        reached.update(fitting[:1] if table.spec.hit == "first" else fitting)
        if not fitting and not fell:
            fell = True
            yield Fault(0, f"no row fits {shown(case)}", "add a row for it, or with `hit: first` one for all others")
        if table.spec.hit == "unique":
            for pair in itertools.combinations(fitting, 2):
                if pair not in doubled:
                    doubled.add(pair)
                    hint = "let one of them not fit, or write `hit: first`"
                    yield Fault(pair[1], f"this row and row {pair[0]} both fit {shown(case)}", hint)
    for number in range(1, len(table.spec.rows) + 1):
        if number not in reached:
            yield Fault(number, "no case reaches this row", "take it out, or move it up")


class _Fits:
    """Which rows fit a case; what a row does not read is not asked again."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._reads = [tuple(sorted({each.path[0] for each in one.references})) for one in table.conditions]
        self._known: list[dict[tuple[str, ...], bool]] = [{} for _ in table.conditions]
        self._asked = 0

    def rows(self, case: Inputs) -> list[int]:
        return [number for number in range(1, len(self._reads) + 1) if self._fits(number, case)]

    def _fits(self, number: int, case: Inputs) -> bool:
        # By what they are, not by what they equal: 1, 1.0 and true are one key of a dictionary.
        key = tuple(repr(case[name]) for name in self._reads[number - 1])
        known = self._known[number - 1]
        if key not in known:
            known[key] = self._table.holds(number, case)
        return known[key]


def _cases(table: Table) -> Iterator[Inputs]:
    """One case of every kind the table tells apart. Raises Inexact where they cannot be told, or are too many."""
    compared: defaultdict[str, set[Json]] = defaultdict(set)
    for condition in table.conditions:
        for name, literal in literals(condition):
            compared[name].add(literal)
    choices: Mapping[str, list[Json]] = {
        name: values(schema, table.variables[name], frozenset(compared[name]))
        for name, schema in table.spec.inputs.items()
        if name in compared
    }
    count = math.prod(map(len, choices.values()))
    if count > MAX_CASES or count * len(table.spec.rows) > MAX_EVALUATIONS * 10:
        raise Inexact(f"{count} kinds of cases")
    for chosen in itertools.product(*choices.values()):
        yield dict(zip(choices, chosen, strict=True))
