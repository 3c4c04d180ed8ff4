"""What the engine says about a text or a value, as errors of ours: a code, a place, and what would be right. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from autonomy.kernel.errors import Invalid

from .nearest import nearest
from .types import Type

MAX_SHOWN = 60  # characters of an expression in a message

_PLACE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_FIELD = re.compile(r"undefined field '(.*)' not found in struct '.*_(\d+)'")
_NAME = re.compile(r"undeclared reference to '(.*)' \(in container '.*'\)")
_OPERATOR = re.compile(r"^[_@!-]*([^_@\w\s]{1,3}|in|not_strictly_false)[_:]*$")
_KIND = re.compile(r"\b(int|double|string|bool|null_type|dyn|list|map|timestamp|duration|uint|bytes)\b|autonomy\.T_\d+")
_WORDS = {
    "int": "whole number",
    "double": "number",
    "string": "text",
    "bool": "true or false",
    "null_type": "null",
    "dyn": "anything",
    "map": "object",
}
_ABSENT = re.compile(r"Key not found in map : \"?(.*?)\"?$|No value with name \"(.*)\"|no_such_field : (.*)$")


def of_compiling(text: str, said: str, objects: Sequence[Type], variables: Iterable[str]) -> Invalid:
    """The first fault the engine found in `text`."""
    if "recursion" in said:
        return Invalid("the expression is nested too deep", code="expression.too_deep", hint="write it in parts")
    match = _PLACE.search(said)
    if match is None:
        return Invalid(f"`{shown(text)}` cannot be read", code="expression.syntax")
    line, column, reason = max(int(match[1]), 1), max(int(match[2]), 1), match[3]
    code, message, hint = _explained(reason, objects, variables)
    return Invalid(f"{message} at {place(text, line, column)}", code=code, hint=hint, line=line, column=column)


def place(text: str, line: int, column: int) -> str:
    """Where something stands: `column 5`, with the line where the text has several."""
    return f"line {line} column {column}" if "\n" in text else f"column {column}"


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `offset`."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _explained(reason: str, objects: Sequence[Type], variables: Iterable[str]) -> tuple[str, str, str]:
    if match := _FIELD.search(reason):
        known = objects[int(match[2])].members if int(match[2]) < len(objects) else {}
        return "expression.unknown_name", f"there is no `{match[1][:MAX_SHOWN]}`", nearest(match[1], known)
    if match := _NAME.search(reason):
        return "expression.unknown_name", f"`{match[1][:MAX_SHOWN]}` is not known", nearest(match[1], variables)
    if "no matching overload" in reason:
        return "expression.type", _misapplied(reason), "compare and combine values of the same kind"
    if "cannot be range of" in reason:
        return "expression.type", "this is not a list", "`map` and `filter` go through lists"
    if "cannot be the operand of a select" in reason:
        return "expression.type", "this value has no fields", ""
    if reason.startswith(("Syntax error", "reserved identifier")) or "argument must be" in reason:
        return "expression.syntax", "this cannot be read: " + _first(reason.removeprefix("Syntax error: ")), ""
    return "expression.type", _first(_plain(reason)), ""


def _misapplied(reason: str) -> str:
    """`found no matching overload for '_+_' applied to '(int, string)'` in plain words."""
    function, _, given = reason.partition(" applied to ")
    name = function.rpartition("for ")[2].strip("'")
    operator = _OPERATOR.match(name)
    special = {"_?_:_": "? :", "_[_]": "[ ]"}
    called = special.get(name) or (operator[1] if operator else name)
    arguments = _plain(given.strip("'").partition("(")[2].rpartition(")")[0])
    return f"`{called}` does not take {arguments}"


def _plain(reason: str) -> str:
    return _KIND.sub(lambda match: _WORDS.get(match[0], "object" if "." in match[0] else match[0]), reason)


def _first(reason: str) -> str:
    reason = reason.partition(" expecting {")[0].strip()
    return (reason[:1].lower() + reason[1:])[:200]


def of_evaluating(text: str, said: str, places: Mapping[str, int]) -> Invalid:
    """What went wrong with values; `places` says where a name stands in the text."""
    if match := _ABSENT.search(said):
        name = next(group for group in match.groups() if group is not None)[:MAX_SHOWN]
        found = {}
        if name in places:
            line, column = position(text, places[name])
            found = {"line": line, "column": column}
        return Invalid(
            f"`{name}` is not there, in `{shown(text)}`",
            code="expression.missing",
            hint="ask with `has(…)` first where it may be absent",
            **found,
        )
    if "budget" in said:
        return too_costly(text)
    reason = _first(_plain(said.partition(": ")[2] or said))
    return Invalid(f"{reason}, in `{shown(text)}`", code="expression.failed")


def too_costly(text: str) -> Invalid:
    """It would take too many steps or too much memory with these values."""
    return Invalid(
        f"`{shown(text)}` would take too much work with these values",
        code="expression.too_costly",
        hint="loop over fewer items, or let a tool do it",
    )


def without_order(text: str, name: str) -> Invalid:
    """A list would be built from an object, whose members have no order."""
    return Invalid(
        f"`{name}` is an object and not a list, in `{shown(text)}`",
        code="expression.failed",
        hint="`map` and `filter` go through lists; the members of an object have no order",
    )


def shown(text: str) -> str:
    """The expression for a message: one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
