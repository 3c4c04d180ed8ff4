"""How a command ends when it does not end well: in a line, a hint and a code, and with a status for programs."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from autonomy.kernel.errors import AutonomyError, Invalid, Overdue, Unavailable

from .words import plain

REFUSED, MISUSED, UNREACHABLE = 1, 2, 3

TRACE = "AUTONOMY_TRACE"
"""The environment variable that makes a defect of ours show where it is."""

_NO_ANSWER = frozenset({"server.unreachable", "server.tls", "server.broken_off", "server.overdue"})
MAX_PROBLEMS = 40  # a person mends some and asks again


class Misused(Invalid):
    """the command was called wrongly"""

    default_code = "cli.usage"


def refused(error: AutonomyError, as_json: bool) -> int:
    """Say why it was not done; returns the status to end with."""
    if as_json:
        _say_json(error.as_dict())
    else:
        _say(error.message, error.hint, error.code, _problems(error.detail))
    if isinstance(error, Misused):
        return MISUSED
    unreachable = isinstance(error, (Unavailable, Overdue)) and error.code in _NO_ANSWER
    return UNREACHABLE if unreachable else REFUSED


def unusable(message: str, command: str, as_json: bool) -> int:
    """Say how the command was called wrongly; returns the status to end with."""
    message = message[:1].lower() + message[1:].rstrip(".")
    return refused(Misused(message, hint=f"`{command} --help` shows how it is called"), as_json)


def defect(error: Exception, as_json: bool) -> int:
    """Say that we are broken; the error's own words are not shown, for they may hold anything."""
    if os.environ.get(TRACE):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    found = AutonomyError(
        f"something broke inside: {type(error).__name__} in `{place.name}`",
        code="cli.defect",
        hint=f"set {TRACE}=1 to see where, and report it",
    )
    return refused(found, as_json)


def _say(message: str, hint: str, code: str, problems: Iterator[str]) -> None:
    lines = [f"error: {message}", *(f"  {line}" for line in problems)]
    if hint:
        lines.append(f"hint: {hint}")
    lines.append(f"code: {code}")
    print("\n".join(plain(line) for line in lines), file=sys.stderr)


def _say_json(error: Mapping[str, Any]) -> None:
    print(json.dumps({"error": error}), file=sys.stderr)


def _problems(detail: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong, where there is more than the first line can say."""
    found = [*detail.get("problems", ()), *detail.get("conflicts", ())]
    for problem in found[:MAX_PROBLEMS]:
        if isinstance(problem, Mapping):
            yield _problem(problem)
    if len(found) > MAX_PROBLEMS:
        yield f"and {len(found) - MAX_PROBLEMS} more"


def _problem(problem: Mapping[str, Any]) -> str:
    """`file:line: Kind name: field: what is wrong; what would be right`, as far as each is known."""
    file, line = problem.get("file"), problem.get("line")
    owner = f"{problem['kind']} `{problem['name']}`" if problem.get("kind") and problem.get("name") else ""
    said = problem.get("message") or problem.get("what") or problem.get("reason")
    parts = [f"{file}:{line}" if file and line else file, owner, problem.get("field"), said]
    hint = problem.get("hint") or problem.get("fix")
    return ": ".join(str(part) for part in parts if part) + (f"; {hint}" if hint else "")
