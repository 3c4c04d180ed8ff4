"""Decision tests as data: an organisation's `tests/*.yaml` say who asks what, and what the answer must be.

- name: a clerk pays a small invoice
  agent: inv1
  tool: invoice.pay
  arguments: {invoice: i-7, amount: "120.00", currency: EUR}
  expect: allow
  policies: [pay]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from autonomy.catalog import yaml_text
from autonomy.catalog.words import Strict
from autonomy.catalog.yaml_text import Unreadable
from autonomy.kernel.canonical import Json
from autonomy.kernel.money import Currency

from .bundle import Bundle
from .model import Fact, Question, Verdict
from .problems import Problem, refuse
from .shapes import minor_units
from .tool import Tool

MAX_BYTES = 1_048_576  # of one file; a table longer than that is several


class Row(Strict):
    """What a case says. A fact left out counts as not found (its default applies), a window left out as 0.

    Money in `facts`, `windows` and `cost` is in minor units of the base currency, as rules see it.
    """

    name: str = Field(min_length=1)
    agent: str
    onBehalfOf: list[str] = Field([], description="agents it acts for; each must be allowed too")
    tool: str
    arguments: dict[str, Any] = Field({})
    facts: dict[str, Fact] = Field({})
    windows: dict[str, int] = Field({})
    approvals: list[str] = Field([])
    labels: list[str] = Field([])
    origin: list[str] = Field(
        [], description="where the work came from, such as `webhook:orders` or `workflow:reorder`"
    )
    cost: int = 0
    record: tuple[str, str] = Field(("", ""), strict=False)
    site: str = ""
    expect: Literal["allow", "hold", "deny"]
    policies: list[str] | None = Field(None, description="the `@id`s that must have decided, in any order")


@dataclass(frozen=True, slots=True)
class Case:
    """One case and the place it stands at."""

    file: str
    line: int
    row: Row


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went; `differences` are sentences, none where it passed."""

    case: Case
    verdict: Verdict
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def load(folder: Path) -> list[Case]:
    """The cases of every `*.yaml` in `folder`, in order of name.

    Raises Invalid with every fault of every file, by line, in `detail["problems"]`.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        found, faults = read_cases(path.name, path.read_bytes())
        cases += found
        problems += faults
    refuse(problems, "the policy tests")
    return cases


def read_cases(file: str, content: bytes) -> tuple[list[Case], list[Problem]]:
    """The cases of one file, and what is wrong with it."""
    fix = "write a list of cases, each with `name`, `agent`, `tool`, `expect`"
    if len(content) > MAX_BYTES:
        return [], [Problem(file, 0, "policy.test_too_large", f"the file has more than {MAX_BYTES} bytes", "split it")]
    try:
        rows = _items(content)
    except Unreadable as error:
        return [], [Problem(file, error.line, "policy.test_syntax", error.message, fix)]
    return _cases(file, rows)


def _items(content: bytes) -> list[tuple[int, Json]]:
    """The items of a file's one list with the lines they begin at; none of an empty file. Raises Unreadable."""
    try:
        documents = yaml_text.read(content.decode())
    except UnicodeDecodeError as error:
        raise Unreadable("the file is not UTF-8", content[: error.start].count(b"\n") + 1) from None
    if not documents:
        return []
    found = documents[0]
    if len(documents) > 1 or not isinstance(found.value, list):
        raise Unreadable("the file does not hold one list", found.line)
    return [(found.lines[yaml_text.inside("", place)], item) for place, item in enumerate(found.value)]


def run(bundle: Bundle, cases: Sequence[Case]) -> list[Result]:
    """Decide every case and compare."""
    return [_result(bundle, case) for case in cases]


def _result(bundle: Bundle, case: Case) -> Result:
    verdict = bundle.decide(question_of(bundle, case.row))
    return Result(case, verdict, tuple(_differences(case.row, verdict)))


def question_of(bundle: Bundle, case: Row) -> Question:
    """What a case asks, with the defaults of what it leaves out."""
    tool = bundle.tools.get(case.tool)
    facts = _defaults(tool, bundle.organisation.currency) if tool else {}
    windows = dict.fromkeys(tool.spec.windows, 0) if tool else {}
    return Question(
        principals=(case.agent, *case.onBehalfOf),
        tool=case.tool,
        arguments=case.arguments,
        facts={**facts, **case.facts},
        windows={**windows, **case.windows},
        approvals=frozenset(case.approvals),
        labels=frozenset(case.labels),
        origin=frozenset(case.origin),
        cost=case.cost,
        record=case.record,
        site=case.site,
    )


def _defaults(tool: Tool, currency: Currency) -> dict[str, Fact]:
    """What the tool's facts are where the look-up finds nothing; one without a default is then missing."""
    found: dict[str, Fact] = {}
    for name, fact in tool.spec.facts.items():
        if fact.default is not None:
            money = fact.type == "money"
            found[name] = minor_units(fact.default, currency.base, currency, f"fact {name}") if money else fact.default
    return found


def _differences(case: Row, verdict: Verdict) -> Iterator[str]:
    if verdict.effect != case.expect:
        because = "; ".join(verdict.reasons) or "no reason given"
        yield f"expected {case.expect}, got {verdict.effect}: {because}"
    if case.policies is not None and set(case.policies) != set(verdict.policies):
        yield f"expected the rules {_listed(case.policies)}, got {_listed(verdict.policies)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _cases(file: str, rows: list[tuple[int, Json]]) -> tuple[list[Case], list[Problem]]:
    cases: list[Case] = []
    problems: list[Problem] = []
    for line, row in rows:
        try:
            cases.append(Case(file, line, Row.model_validate(row)))
        except ValidationError as error:
            problems += [_problem(file, line, fault) for fault in error.errors()]
    return cases, problems


def _problem(file: str, line: int, fault: ErrorDetails) -> Problem:
    where = ".".join(map(str, fault["loc"]))
    what = f"`{where}`: {fault['msg'].lower()}" if where else fault["msg"].lower()
    return Problem(
        file, line, "policy.test_case", what, "a case has " + ", ".join(f"`{name}`" for name in Row.model_fields)
    )
