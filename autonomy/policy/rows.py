"""Reads a YAML list strictly: plain values, unique text keys, dates as text, and the line of every item."""

from __future__ import annotations

from typing import Any

import yaml

from autonomy.kernel.canonical import Json


class Unreadable(Exception):
    """The text is not such a list; `what` says why, `line` where (0: as a whole)."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def read_list(content: bytes) -> list[tuple[int, Json]]:
    """The items with the lines they begin at; an empty file is an empty list. Raises Unreadable."""
    try:
        reader = _Reader(content)
        node = reader.get_single_node()
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise Unreadable(node.start_mark.line + 1, "the file does not hold a list")
        return [(item.start_mark.line + 1, reader.construct_object(item, deep=True)) for item in node.value]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Unreadable(line, f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise Unreadable(0, f"not YAML: {error}") from None
    except RecursionError:
        raise Unreadable(0, "nested too deep") from None


class _Reader(yaml.SafeLoader):
    """YAML as JSON would say it."""


_Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(reader: _Reader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = reader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem=f"the key `{key}` is not text", problem_mark=key_node.start_mark)
        if key in found:
            raise yaml.MarkedYAMLError(problem=f"the key `{key}` stands twice", problem_mark=key_node.start_mark)
        found[key] = reader.construct_object(value_node, deep=True)
    return found


_Reader.add_constructor("tag:yaml.org,2002:map", _mapping)
