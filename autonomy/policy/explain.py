"""Why a decision came out as it did: every rule that had a say, and in each the part that decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cedarpy

from autonomy.kernel.errors import Forbidden, Invalid, NotFound

from .bundle import Bundle
from .engine import Request
from .model import Question, Rule, Verdict
from .source import Form, policy_set, written

_BARE = re.compile(r'"(?:\\.|[^"\\])*"|(?<![\w])\(([\w.-]+)\)')
_ANYONE: Form = {"op": "All"}


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a rule: its `head`, a `when` conjunct or an `unless`. `passes` is whether it lets the rule match;
    None where it was not reached or could not be evaluated (then `error` has the engine's words)."""

    kind: str
    text: str
    passes: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One rule of the tool's slice before one agent. `matched` is whether it applied, `decided` whether the verdict
    rests on it, `turned_on` the clause that kept it from matching (None when it matched)."""

    agent: str
    rule: Rule
    matched: bool
    decided: bool
    clauses: tuple[Clause, ...]

    @property
    def turned_on(self) -> Clause | None:
        return next((clause for clause in self.clauses if clause.passes is not True), None)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict, and every rule that could have a say; rules is empty where the question could not be put at all."""

    verdict: Verdict
    rules: tuple[Examined, ...]

    @property
    def matched(self) -> tuple[Examined, ...]:
        return tuple(examined for examined in self.rules if examined.matched)


def why(bundle: Bundle, question: Question) -> Explanation:
    """Explain the decision of `question`, rule by rule.

    Unlike a verdict it may repeat arguments: show it to those who may see them.
    """
    verdict = bundle.decide(question)
    try:
        requests = bundle.requests(question)
    except (Forbidden, Invalid, NotFound):
        return Explanation(verdict, ())
    rules = bundle.slice_of(question.tool).rules.values()
    return Explanation(
        verdict, tuple(_examine(bundle, request, rule, verdict) for request in requests for rule in rules)
    )


def _examine(bundle: Bundle, request: Request, rule: Rule, verdict: Verdict) -> Examined:
    clauses = tuple(_clauses(bundle, request, rule))
    matched = all(clause.passes for clause in clauses)
    return Examined(request.agent, rule, matched, matched and rule.id in verdict.policies, clauses)


def _clauses(bundle: Bundle, request: Request, rule: Rule) -> Iterator[Clause]:
    """The parts in the order the engine takes them; it stops at the first that does not pass, and so does this."""
    reached = True
    for kind, form in _parts(rule.form):
        text = _text_of(kind, form)
        passes, error = _passes(bundle, request, form) if reached else (None, "")
        reached = reached and passes is True
        yield Clause(kind, text, passes, error)


def _parts(form: Any) -> Iterator[tuple[str, Form]]:
    """A rule taken apart, each part a permit of its own that asks only this one thing."""
    head = {key: form[key] for key in ("principal", "action", "resource")}
    yield "head", {"effect": "permit", **head, "conditions": []}
    anyone = {"effect": "permit", "principal": _ANYONE, "action": _ANYONE, "resource": _ANYONE}
    for condition in form["conditions"]:
        bodies = _conjuncts(condition["body"]) if condition["kind"] == "when" else [condition["body"]]
        for body in bodies:
            yield condition["kind"], {**anyone, "conditions": [{"kind": condition["kind"], "body": body}]}


def _conjuncts(body: Any) -> list[Any]:
    if "&&" in body:
        return _conjuncts(body["&&"]["left"]) + _conjuncts(body["&&"]["right"])
    return [body]


def _passes(bundle: Bundle, request: Request, form: Form) -> tuple[bool | None, str]:
    result = bundle.engine.put(request, policy_set({"part": form}))
    if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
        return None, "; ".join(result.diagnostics.errors) or "the engine gave no answer"
    return result.allowed, ""


def _text_of(kind: str, form: Form) -> str:
    """The part as one reads it: without the frame around it and without brackets around single words."""
    text = written(form)
    if kind == "head":
        return text[text.index("(") + 1 : text.rindex(")")]
    inner = text[text.index("{", text.index(kind)) + 1 : text.rindex("}")].strip()
    while (plain := _BARE.sub(lambda found: found[1] or found[0], inner)) != inner:
        inner = plain
    return inner
