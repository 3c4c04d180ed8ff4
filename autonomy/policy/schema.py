"""The Cedar schema of an organisation, generated from its tools: a rule that names what does not exist is refused."""

from __future__ import annotations

from collections.abc import Iterable

from .shapes import cedar_type, quoted
from .tool import Tool

_ENTITIES = """\
entity Unit in [Unit];
entity Role;
entity Agent in [Role, Unit] = {
  name: String, unit: String, sponsor: String, owner: String, supervisor: String, roles: Set<String>
};
entity Tool = {
  name: String, connector: String, risk: String, effect: String, unit: String, tags: Set<String>, egress: Bool
};
type RecordKey = { kind: String, key: String };
"""


def schema_text(tools: Iterable[Tool]) -> str:
    """The schema in Cedar's schema language: every tool an action, with the types of its own context."""
    ordered = sorted(tools, key=lambda tool: tool.name)
    groups = sorted({"read", "write"}.union(*(tool.groups for tool in ordered)))
    return _ENTITIES + f"action {_names(groups)};\n" + "".join(map(_action, ordered))


def _action(tool: Tool) -> str:
    return f"""\
action {quoted(tool.name)} in [{_names(tool.groups)}] appliesTo {{
  principal: Agent,
  resource: Tool,
  context: {{
    arguments: {cedar_type(tool.arguments)},
    facts: {cedar_type(tool.facts)},
    windows: {cedar_type(tool.windows)},
    approvals: Set<String>,
    labels: Set<String>,
    cost: Long,
    delegated: Bool,
    record: RecordKey,
    site: String
  }}
}};
"""


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
