"""All policies of an organisation at one epoch, checked, confined and ready to decide; a change is a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Self, cast

import cedarpy
from msgspec.structs import replace

from autonomy.catalog.model import PolicySpec
from autonomy.catalog.organisation import Organisation
from autonomy.kernel.errors import Forbidden, Invalid, NotFound

from . import checks
from .admission import Admission
from .annotations import asks_of, obligations_of
from .context import context_of
from .decide import allowance, judge, unite
from .engine import Engine, Reading, Request
from .entities import entities_of
from .likeness import Crowd, Likeness
from .model import Notice, Question, Rule, Verdict
from .problems import Problem, refuse
from .reads import narrowed
from .schema import schema_text
from .scope import Reach, confined, reach_of
from .slices import Slice, sliced
from .source import Form, Statement, read, written
from .tool import Tool

CACHED = 4_096  # sets of rules that allowed together; a bundle has few


class Bundle:
    """The policies in force. `text` is what is enforced, confined and in order; `sha256` names text and schema.

    `engine` has the schema as it is enforced: narrowed to what the rules about each tool read.
    """

    def __init__(self, organisation: Organisation, tools: dict[str, Tool], rules: Sequence[Rule], schema: str) -> None:
        self.organisation = organisation
        self.tools: Mapping[str, Tool] = MappingProxyType(tools)
        self.rules: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in rules})
        self.schema = schema
        self.text = _text(rules)
        self.sha256 = hashlib.sha256(f"{schema}\n{self.text}".encode()).hexdigest()
        self.reach: Reach = reach_of(tools)
        self._slices = sliced(rules, self.reach, tools)
        crowd = Crowd(organisation)
        self._readings = {name: _reading(tool, self._slices[name], crowd) for name, tool in tools.items()}
        narrow = {name: reading.shape for name, reading in self._readings.items()}
        enforced = cedarpy.Schema.from_str(schema_text(tools.values(), narrow))
        self.engine = Engine(enforced, entities_of(organisation, tools))
        # Few sets of rules allow, and each of them always means the same.
        self._allowed = lru_cache(CACHED)(partial(allowance, self.rules))
        self._admission = Admission(organisation)

    @classmethod
    def build(cls, organisation: Organisation) -> Self:
        """The bundle of an organisation.

        Raises Invalid (`policy.*`) with every problem of every policy in `detail["problems"]`, each a dict of `file`
        (the policy's name), `line` (0 when it concerns the whole), `code`, `what`, `fix`.
        """
        tools = {name: Tool.of(organisation, revision) for name, revision in organisation.all("Tool").items()}
        refuse(list(checks.tool_problems(tools)))
        statements, problems = _read(organisation)
        reach, schema = reach_of(tools), schema_text(tools.values())
        problems += checks.statement_problems(statements, organisation, reach, tools)
        problems += checks.type_problems(statements, cedarpy.Schema.from_str(schema))
        refuse(problems)
        rules = [_rule(s, confined(s.form, s.unit, organisation, reach, tools)) for s in statements]
        return cls(organisation, tools, rules, schema)

    def slice_of(self, tool: str) -> Slice:
        """The rules that can decide about a declared tool."""
        return self._slices[tool]

    def decide(self, question: Question) -> Verdict:
        """May every one of the principals do this? Never raises for what the question holds: an error is a denial."""
        try:
            requests = self.requests(question)
        except Forbidden as refusal:
            return Verdict("deny", reasons=(refusal.message,))
        except (Invalid, NotFound) as error:
            return Verdict("deny", reasons=(error.message,), errors=(error.message,))
        found = self._slices[question.tool]
        verdict = self._united(requests, found.enforced, found)
        if not found.trials:
            return verdict
        trials = [(mode, self._united(requests, policies, found)) for mode, policies in found.trials]
        noted = (
            Notice(mode, v.effect, v.policies, v.reasons) for mode, v in trials if _differs(v, verdict, found.rules)
        )
        return replace(verdict, notices=tuple(noted))

    def requests(self, question: Question) -> list[Request]:
        """The question as the engine takes it, one request for each principal.

        Raises NotFound for an unknown agent or tool, Forbidden for a tool out of scope, Invalid for unfit values.
        """
        tool = self.tools.get(question.tool)
        if tool is None:
            raise NotFound(f"there is no tool `{question.tool[:80]}`", code="policy.unknown_tool")
        if not question.principals:
            raise Invalid("nobody asks: there is no principal", code="policy.no_principal")
        for agent in question.principals:
            self._admit(agent, tool)
        context = context_of(question, tool, self.organisation.currency)
        reading, approvers = self._readings[tool.name], question.approvers
        return [Request(agent, tool.name, context, reading, approvers) for agent in question.principals]

    def _admit(self, agent: str, tool: Tool) -> None:
        declared = self.organisation.get("Agent", agent)
        if declared is None:
            raise NotFound(f"there is no agent `{agent[:80]}`", code="policy.unknown_agent")
        refusal = self._admission.refusal(declared, tool)
        if refusal:
            raise Forbidden(refusal, code="policy.outside_scope")

    def _united(self, requests: Iterable[Request], policies: cedarpy.PolicySet, found: Slice) -> Verdict:
        return unite([judge(self.engine, request, policies, found.rules, self._allowed) for request in requests])


def _reading(tool: Tool, about: Slice, crowd: Crowd) -> Reading:
    forms = (rule.form for rule in about.rules.values())
    return Reading(narrowed(tool.context, about.paths), Likeness(forms, tool.context, crowd))


def _differs(trial: Verdict, verdict: Verdict, rules: Mapping[str, Rule]) -> bool:
    """Whether a trial has something to tell: another outcome, or a rule of its own that stands in the way."""
    if (trial.effect, trial.needed, trial.obligations) != (verdict.effect, verdict.needed, verdict.obligations):
        return True
    return any(rules[policy].mode != "enforce" and rules[policy].effect == "forbid" for policy in trial.policies)


def _read(organisation: Organisation) -> tuple[list[Statement], list[Problem]]:
    statements: list[Statement] = []
    problems: list[Problem] = []
    for name, revision in sorted(organisation.all("Policy").items()):
        spec = cast(PolicySpec, revision.spec)
        found, unread = read(name, revision.unit, spec.mode, spec.text)
        statements += found
        problems += unread
    return statements, problems


def _rule(statement: Statement, form: Form) -> Rule:
    said = statement.annotations
    return Rule(
        id=said["id"],
        file=statement.file,
        line=statement.line,
        unit=statement.unit,
        mode=statement.mode,
        effect=form["effect"],
        text=statement.text,
        form=form,
        annotations=said,
        asks=asks_of(statement),
        obligations=obligations_of(statement),
    )


def _text(rules: Sequence[Rule]) -> str:
    """Every rule as enforced, under a comment that says whose it is and in which mode."""
    shown = (f"// {rule.file}, unit {rule.unit}, {rule.mode}\n{written(rule.form)}\n" for rule in rules)
    return "\n".join(shown)
