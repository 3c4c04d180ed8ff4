"""What was seen, in words for people: who did what how often, what it took, and what deserves a person's yes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .manifests import credential_of, fault_of
from .policy import suggestions
from .seen import Operation, Seen, count_of
from .shape import Shape, is_secret


def report(name: str, seen: Seen, tools: Mapping[str, str]) -> str:
    """A page in Markdown."""
    calls = sum(one.calls for one in seen.operations.values())
    lines = [
        f"# What was seen of {name}",
        "",
        f"{count_of(calls, 'call')} of {count_of(len(seen.operations), 'operation')} by"
        f" {count_of(len(seen.callers), 'caller')}. Callers are who they say"
        " they are. Of arguments, types, lengths and the smallest and largest numbers are kept"
        + (", and short texts as asked for." if seen.keep_values else "; no text is."),
        "",
        "| tool | operation | calls | failed | by | arguments |",
        "|---|---|---|---|---|---|",
        *_rows(seen, tools),
        "",
        "## What deserves approval",
        "",
        *[f"- `{tool}`: {reason}" for tool, reason in suggestions(seen, tools)],
        "",
        "An approval rule is a `forbid` that an approval lifts:",
        "",
        "    " + _RULE.replace("\n", "\n    "),
        "",
        *_warnings(name, seen, tools),
    ]
    return "\n".join(lines).rstrip() + "\n"


_RULE = """@id("my-approval") @reason("why a person is asked") @outcome("require_approval") @escalate("a-role")
forbid (principal, action == Action::"the.tool", resource)
unless { context.approvals.contains("a-role") };"""


def _rows(seen: Seen, tools: Mapping[str, str]) -> list[str]:
    return [_row(operation, one, tools.get(operation, "")) for operation, one in sorted(seen.operations.items())]


def _row(operation: str, seen: Operation, tool: str) -> str:
    arguments = ", ".join(_argument(name, shape) for name, shape in sorted(seen.shape.members.items()))
    called = f"`{tool}`" if tool else f"none: {_cell(fault_of(operation, seen) or '')}"
    by = ", ".join(sorted(seen.callers))
    return f"| {called} | `{_cell(operation)}` | {seen.calls} | {seen.failed} | {by} | {arguments} |"


def _argument(name: str, shape: Shape) -> str:
    said = f"`{_cell(name)}` {'/'.join(sorted(shape.types))}"
    return said if shape.low is None or shape.high is None else f"{said} {shape.low:g} to {shape.high:g}"


def _shown(name: str, seen: Seen) -> str:
    """What to do about the credentials that callers held."""
    headers = ", ".join(f"`{_cell(header.title())}`" for header in sorted(seen.shown))
    secret = credential_of(name, seen).get("credential", "")
    store = f"`autonomy secret set {secret}` stores what the connector shows in its place"
    said = store if secret else "declare which secret the connector shows"
    return f"- callers showed {headers}: no agent holds such a thing; {said}"


def _warnings(name: str, seen: Seen, tools: Mapping[str, str]) -> list[str]:
    found = [_shown(name, seen)] if seen.shown else []
    for operation in sorted(tools):
        one = seen.operations[operation]
        secrets = [name for name in sorted(one.shape.members) if is_secret(name)]
        if secrets:
            names = ", ".join(f"`{_cell(name)}`" for name in secrets)
            found.append(
                f"- `{tools[operation]}` takes {names}: an agent should not hold such a thing; nothing was kept"
            )
        if one.shape.more:
            found.append(f"- `{tools[operation]}` took more than is kept; look at its input")
    if seen.left_out:
        found.append(f"- {seen.left_out} calls of further operations were only counted")
    return ["## What to look at", "", *found] if found else []


def _cell(text: str) -> str:
    return "".join(char for char in text[:120] if char.isprintable() and char not in "|`")
