"""Reads `.cedar` text: one statement at a time, so that every fault has a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from autonomy.catalog.model import Mode

from .problems import Problem

MAX_TEXT = 262_144  # a policy file is read by people; beyond this it is not
MAX_STATEMENT = 16_384  # characters of one rule
MAX_DEPTH = 24  # Cedar's reader is recursive: deeper brackets end the process where a thread's stack is small
MAX_OPERATORS = 400  # and so do thousands of joined operators

Form = dict[str, Any]
"""One statement in Cedar's JSON policy format."""

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"?|//[^\n]*|;|[^";/]+|/', re.DOTALL)
_UNREAD = re.compile(r'"(?:\\.|[^"\\])*"?|//[^\n]*', re.DOTALL)
_NESTING = re.compile(r"[(\[{]|[)\]}]|\bif\b")
_OPERATOR = re.compile(r"&&|\|\||[<>=!]=|[-+*.!<>]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One `permit` or `forbid` of the policy `file`, which `unit` declares; `line` counts from 1."""

    file: str
    line: int
    unit: str
    mode: Mode
    text: str
    form: Form

    @property
    def annotations(self) -> dict[str, str]:
        """The statement's annotations; one without a value is the empty string."""
        return {name: value or "" for name, value in self.form.get("annotations", {}).items()}

    def problem(self, code: str, what: str, fix: str) -> Problem:
        """A fault of this statement."""
        return Problem(self.file, self.line, code, what, fix)


def read(file: str, unit: str, mode: Mode, text: str) -> tuple[list[Statement], list[Problem]]:
    """The statements of one policy file, and what could not be read."""
    if len(text) > MAX_TEXT:
        fix = "split it into several policies"
        return [], [Problem(file, 0, "policy.too_large", f"the text is longer than {MAX_TEXT} characters", fix)]
    statements, problems = [], []
    for line, part in split(text):
        found = _parse(part)
        if isinstance(found, str):
            fix = "write one `permit(…)` or `forbid(…)` with `when`/`unless`, ended by `;`"
            problems.append(Problem(file, line, "policy.syntax", found, fix))
        else:
            statements.append(Statement(file, line, unit, mode, part, found))
    return statements, problems


def split(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the line it begins at; comments before it are left out, `;` in strings does not end it."""
    start = end = 0
    begun = False
    for token in _TOKEN.finditer(text):
        end = token.end()
        piece = token[0]
        if not begun and (piece.isspace() or piece.startswith("//")):
            continue
        if not begun:
            start, begun = token.start() + len(piece) - len(piece.lstrip()), True
        if piece == ";":
            yield text.count("\n", 0, start) + 1, text[start:end]
            begun = False
    if begun:
        yield text.count("\n", 0, start) + 1, text[start:end]


def _parse(text: str) -> Form | str:
    """The statement's JSON form, or what is wrong with it."""
    if len(text) > MAX_STATEMENT:
        return f"the statement is longer than {MAX_STATEMENT} characters"
    bare = _UNREAD.sub("", text)
    if _depth(bare) > MAX_DEPTH:
        return f"the statement is nested deeper than {MAX_DEPTH}"
    if len(_OPERATOR.findall(bare)) > MAX_OPERATORS:
        return f"the statement has more than {MAX_OPERATORS} operators"
    try:
        found = json.loads(cedarpy.policies_to_json_str(text))
    except RecursionError:
        return "the statement is nested too deep"
    except ValueError as error:
        return f"not a Cedar statement: {error}"
    if found["templates"]:
        return "templates (`?principal`, `?resource`) are not supported"
    forms: list[Form] = list(found["staticPolicies"].values())
    return _readable(forms[0]) if forms else "an empty statement"


def _depth(bare: str) -> int:
    """How deep brackets nest, counting every `if` as one more."""
    depth = deepest = 0
    for token in _NESTING.findall(bare):
        depth += -1 if token in ")]}" else 1
        deepest = max(deepest, depth)
    return deepest


def _readable(form: Form) -> Form | str:
    """`form`, if Cedar reads its own JSON back: it refuses what is nested deeper than about 60 operators."""
    try:
        policy_set({"rule": form})
    except ValueError:
        return "one condition joins too many operators: split it into several `when` clauses or rules"
    return form


def policy_set(forms: Mapping[str, Mapping[str, Any]]) -> cedarpy.PolicySet:
    """A handle for evaluation; its policies carry the keys of `forms` as their ids."""
    return cedarpy.PolicySet.from_json_str(json.dumps(document(forms)))


def document(forms: Mapping[str, Mapping[str, Any]]) -> Form:
    """A policy set in Cedar's JSON format."""
    return {"templates": {}, "staticPolicies": dict(forms), "templateLinks": []}


def written(form: Mapping[str, Any]) -> str:
    """One statement as Cedar text."""
    return cedarpy.policies_from_json_str(json.dumps(document({"rule": form})))
