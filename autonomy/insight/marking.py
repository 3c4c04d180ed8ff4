"""What an action is found by: its facets, which are whole values, and its words. Pure.

A mark stands for a facet or a word: 63 bits of a keyed hash, so that the index tells nobody what was said and a guess
cannot be tested without the key. Words that are sealed have marks of their own, for whoever may not read them must not
find by them either.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from autonomy.memory.words import MAX_ASKED, texts, words

MAX_WORDS = 200  # different words of one action that it is found by, and as many that are sealed
SEALED = ("arguments", "rationale", "message")
"""Parts whose words are found by who may read them."""

FACETS = ("unit", "tool", "case", "run", "task", "code", "parent", "workflow")
ABOUT = ("agent", "run", "task", "action", "case", "incident", "target", "person", "containment")
"""Fields of other leaves that say what they are about."""

ACTIONS = frozenset({"intent", "outcome", "denial", "hold", "approval", "reconcile"})
"""Kinds of leaves that are about one action."""

PASSING = frozenset({"held", "running", "done"})
"""States that have no marks: most actions are done, and those that are under way are among the newest."""

_TOLD = ("agent_name", "tool", "unit", "case", "run", "code", "workflow")


class Marks:
    """Marks under one key."""

    def __init__(self, key: bytes) -> None:
        self._mark = lru_cache(maxsize=20_000)(lambda domain, value: _mark(key, domain, value))

    def facet(self, name: str, value: str) -> int:
        """The mark of actions whose `name` is `value`."""
        return self._mark(f"facet {name}", value)

    def about(self, name: str, value: str) -> int:
        """The mark of leaves, but those of actions, whose field `name` is `value`."""
        return self._mark(f"about {name}", value)

    def event(self, kind: str, event: str) -> int:
        """The mark of leaves of a kind, but those of actions, that tell of this event."""
        return self._mark("event", f"{kind} {event}")

    def word(self, word: str) -> int:
        """The mark of a word that was told in the log."""
        return self._mark("word", word)

    def sealed(self, word: str) -> int:
        """The mark of a word that was sealed."""
        return self._mark("sealed", word)

    def of_action(self, leaf: Mapping[str, Any]) -> set[int]:
        """What one leaf of an action adds to what it is found by."""
        told = _some(_told(leaf), MAX_WORDS)
        return {self.facet(*each) for each in facets(leaf)} | {self.word(word) for word in told}

    def of_other(self, leaf: Mapping[str, Any]) -> set[int]:
        """What a leaf that is about no action is found by."""
        named = ((name, leaf.get(name)) for name in ABOUT)
        found = {self.about(name, value) for name, value in named if isinstance(value, str)}
        return found | {self.event(leaf["kind"], leaf["event"])} if "event" in leaf else found

    def of_sealed(self, parts: Iterable[tuple[str, bytes]]) -> set[int]:
        """Marks of the words of sealed parts: their names and bytes."""
        return {self.sealed(word) for word in _some((_text for part in parts for _text in _open(*part)), MAX_WORDS)}


def facets(leaf: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facets that one leaf of an action gives it."""
    decision = leaf.get("decision")
    if decision is not None:
        yield "agent", leaf["agent"]
        yield "agent", leaf.get("agent_name", "")
        if (effect := decision.get("effect", "deny")) != "allow":
            yield "decision", effect
        yield from ((name, leaf[name]) for name in FACETS if leaf.get(name))
        yield from (("policy", rule) for rule in decision.get("policies", ()))
        yield from (("policy", rule) for notice in decision.get("notices", ()) for rule in notice["policies"])
    elif leaf.get("code"):
        yield "code", leaf["code"]
    yield from (("label", label) for label in (*leaf.get("labels", ()), *leaf.get("tags", ())))
    state = state_after(leaf)
    if state is not None and state not in PASSING:
        yield "state", state


_ENDED_BY = {"reject": "rejected", "return": "returned", "expire": "expired", "withdraw": "withdrawn"}


def state_after(leaf: Mapping[str, Any]) -> str | None:
    """Where an action stands after this leaf of it; None where it stands as before."""
    kind = leaf["kind"]
    if kind in ("outcome", "reconcile"):
        return str(leaf["status"])
    if kind == "approval":
        return _ENDED_BY.get(leaf["event"])
    return {"denial": "denied", "intent": "running", "hold": "held"}.get(kind)


def asked_words(text: str) -> list[str]:
    """The words of a question; what goes beyond the most that are looked for does not count."""
    return list(_some([text], MAX_ASKED))


def _told(leaf: Mapping[str, Any]) -> Iterator[str]:
    yield from (leaf[name] for name in _TOLD if leaf.get(name))
    decision = leaf.get("decision", {})
    yield from decision.get("policies", ())
    yield from decision.get("reasons", ())


def _open(name: str, value: bytes) -> Iterator[str]:
    text = value.decode("utf-8", "replace")
    if name.partition(".")[0] == "arguments":
        yield from texts(json.loads(text))
    else:
        yield text


def _some(said: Iterable[str], most: int) -> dict[str, None]:
    """The first different words, at most so many."""
    found: dict[str, None] = {}
    for text in said:
        for word in words(text):
            found[word] = None
            if len(found) == most:
                return found
    return found


def _mark(key: bytes, domain: str, value: str) -> int:
    said = f"{domain}\x1f{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(key, said, "sha256")[:8], "big") >> 1
