"""The Cedar schema of an organisation, generated from its tools: a rule that names what does not exist is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .shapes import RecordOf, cedar_type, quoted
from .tool import Tool

_ENTITIES = """\
entity Unit in [Unit];
entity Role;
entity Agent in [Role, Unit] = {
  name: String, unit: String, sponsor: String, owner: String, supervisor: String, roles: Set<String>
};
entity Tool = {
  name: String, connector: String, risk: String, effect: String, unit: String, tags: Set<String>, egress: Bool,
  site: String
};
"""


def schema_text(tools: Iterable[Tool], contexts: Mapping[str, RecordOf] | None = None) -> str:
    """The schema in Cedar's schema language: every tool an action, with the types of its own context, or of the part of
    it that `contexts` gives by the tool's name."""
    ordered = sorted(tools, key=lambda tool: tool.name)
    groups = sorted({"read", "write"}.union(*(tool.groups for tool in ordered)))
    actions = (_action(tool, contexts[tool.name] if contexts else tool.context) for tool in ordered)
    return _ENTITIES + f"action {_names(groups)};\n" + "".join(actions)


def _action(tool: Tool, context: RecordOf) -> str:
    return f"""\
action {quoted(tool.name)} in [{_names(tool.groups)}] appliesTo {{
  principal: Agent,
  resource: Tool,
  context: {cedar_type(context)}
}};
"""


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
