"""Pinned wordings: what was not accepted as it stands is quarantined."""

from __future__ import annotations

from typing import Any

from autonomy.db import CommitQueue, Database
from autonomy.tools import Registry
from autonomy.tools.quarantine import accept, accepted, quarantined

from .organisations import organisation, tool
from .test_secrets import leaves


def registry(**spec: Any) -> Registry:
    return Registry.build(organisation(tool("a"), tool("b", **spec)))


def take(queue: CommitQueue, tools: Registry, *names: str) -> list[str]:
    chosen = [tools.get(name) for name in names]
    return queue.run(lambda tx: accept(tx, chosen, "person:ada", 1_000))


def held_back(database: Database, tools: Registry) -> set[str]:
    with database.reading() as connection:
        return quarantined(connection, tools)


def test_a_tool_is_quarantined_until_it_is_accepted(database: Database, queue: CommitQueue) -> None:
    tools = registry()
    assert held_back(database, tools) == {"a", "b"}
    assert take(queue, tools, "a") == ["a"]
    assert held_back(database, tools) == {"b"}


def test_a_tool_that_changed_by_one_word_is_quarantined_again(database: Database, queue: CommitQueue) -> None:
    take(queue, registry(), "a", "b")
    changed = registry(input={"type": "object", "description": "now with one word more"})
    assert held_back(database, registry()) == set()
    assert held_back(database, changed) == {"b"}
    assert take(queue, changed, "a", "b") == ["b"]
    assert held_back(database, changed) == set()
    assert held_back(database, registry()) == {"b"}


def test_accepting_is_recorded_with_the_digest_and_only_where_something_changed(
    database: Database, queue: CommitQueue
) -> None:
    tools = registry()
    take(queue, tools, "a")
    take(queue, tools, "a")
    (leaf,) = leaves(database)
    assert (leaf["kind"], leaf["actor"], leaf["tools"]) == ("change", "person:ada", {"a": tools.get("a").revision})
    with database.reading() as connection:
        assert accepted(connection) == {"a": tools.get("a").revision}
