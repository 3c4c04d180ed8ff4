"""What an action is found by: its facets, which are whole values, and its words. Pure.

A mark stands for a facet or a word: 63 bits of a keyed hash, so that the index tells nobody what was said and a guess
cannot be tested without the key. Words that are sealed have marks of their own, for whoever may not read them must not
find by them either.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import msgspec

from autonomy.memory.words import MAX_ASKED, texts, words

MAX_WORDS = 200  # different words of each part of an action that it is found by
KEPT = 2_000  # marks; half as many texts, and parts of leaves, with theirs
SHORT = 64  # characters of a text of which that is kept
SEALED = ("arguments", "rationale", "message")
"""Parts whose words are found by who may read them."""

PARTS = (("agent", "agent_name", "unit", "workflow"), ("tool",), ("case",), ("run", "task", "parent"), ("code",))
"""Fields of the leaf that an action begins with, by what is repeated together."""
CODE = ("code",)
FACETS = {name: name for part in PARTS for name in part} | {"agent_name": "agent"}
TOLD = frozenset({"agent_name", "tool", "unit", "case", "run", "code", "workflow"})
"""Fields that an action is found by in words, and not only whole."""

ABOUT = ("agent", "run", "task", "action", "case", "incident", "target", "person", "containment")
"""Fields of other leaves that say what they are about."""

ACTIONS = frozenset({"intent", "outcome", "denial", "hold", "approval", "reconcile"})
"""Kinds of leaves that are about one action."""

PASSING = frozenset({"held", "running", "done"})
"""States that have no marks: most actions are done, and those that are under way are among the newest."""

WORD, SEALED_WORD = "word", "sealed"
Texts = tuple[str, ...]


class Marks:
    """Marks under one key. What is asked for often is kept: names and rules come back with every action."""

    def __init__(self, key: bytes) -> None:
        self._mark = lru_cache(maxsize=KEPT)(lambda domain, value: _mark(key, domain, value))
        self._short = lru_cache(maxsize=KEPT // 2)(self._of_text)
        self._part = lru_cache(maxsize=KEPT // 2)(self._of_part)
        self._decided = lru_cache(maxsize=KEPT // 2)(self._of_decision)

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
        return self._mark(WORD, word)

    def sealed(self, word: str) -> int:
        """The mark of a word that was sealed."""
        return self._mark(SEALED_WORD, word)

    def of_action(self, leaf: Mapping[str, Any]) -> set[int]:
        """What one leaf of an action adds to what it is found by. One without a decision repeats what the action began
        with, but for the code."""
        get, decision = leaf.get, leaf.get("decision")
        if decision is not None:
            found = {*self._decided(_effect(decision), tuple(decision.get("policies", ())), *_reasons(decision))}
            for names in PARTS:
                found.update(self._part(names, tuple(map(get, names))))
        else:
            found = {*self._part(CODE, (get("code"),))} if get("code") else set()
        for label in (*get("labels", ()), *get("tags", ())):
            found.add(self.facet("label", label))
        state = state_after(leaf)
        if state is not None and state not in PASSING:
            found.add(self.facet("state", state))
        return found

    def of_other(self, leaf: Mapping[str, Any]) -> set[int]:
        """What a leaf that is about no action is found by."""
        named = ((name, leaf.get(name)) for name in ABOUT)
        found = {self.about(name, value) for name, value in named if isinstance(value, str)}
        return found | {self.event(leaf["kind"], leaf["event"])} if "event" in leaf else found

    def of_sealed(self, parts: Iterable[tuple[str, bytes]]) -> set[int]:
        """Marks of the words of sealed parts: their names and bytes."""
        return set(self._some(SEALED_WORD, chain.from_iterable(_open(*part) for part in parts)))

    def _of_part(self, names: tuple[str, ...], values: tuple[str | None, ...]) -> tuple[int, ...]:
        """The marks of fields of a leaf: each is a facet, and most are told in words as well."""
        said = {name: value for name, value in zip(names, values, strict=True) if value}
        facets = (self.facet(FACETS[name], value) for name, value in said.items())
        return (*facets, *self._some(WORD, (value for name, value in said.items() if name in TOLD)))

    def _of_decision(self, effect: str, policies: Texts, reasons: Texts, tried: Texts) -> tuple[int, ...]:
        facets = {self.facet("policy", rule) for rule in (*policies, *tried)}
        if effect != "allow":
            facets.add(self.facet("decision", effect))
        return (*facets, *self._some(WORD, (*policies, *reasons)))

    def _some(self, domain: str, said: Iterable[str]) -> Iterable[int]:
        """The marks of the first different words, `MAX_WORDS` at most."""
        found: dict[int, None] = {}
        for text in said:
            found.update(self._short(domain, text) if len(text) <= SHORT else self._of_text(domain, text))
            if len(found) >= MAX_WORDS:
                return islice(found, MAX_WORDS)
        return found

    def _of_text(self, domain: str, text: str) -> dict[int, None]:
        mark = self.word if domain == WORD else self.sealed
        return {mark(word): None for word in _some([text], MAX_WORDS)}


_ENDED_BY = {"reject": "rejected", "return": "returned", "expire": "expired", "withdraw": "withdrawn"}


def state_after(leaf: Mapping[str, Any]) -> str | None:
    """Where an action stands after this leaf of it; None where it stands as before."""
    kind = leaf["kind"]
    if kind in ("outcome", "reconcile"):
        return str(leaf["status"])
    if kind == "approval":
        return _ENDED_BY.get(leaf["event"])
    return {"denial": "denied", "intent": "running", "hold": "held"}.get(kind)


_decode = msgspec.json.Decoder().decode


def asked_words(text: str) -> list[str]:
    """The words of a question; what goes beyond the most that are looked for does not count."""
    return list(_some([text], MAX_ASKED))


def _effect(decision: Mapping[str, Any]) -> str:
    return str(decision.get("effect", "deny"))


def _reasons(decision: Mapping[str, Any]) -> tuple[Texts, Texts]:
    """Why it was decided so, and the rules on trial that would have decided otherwise."""
    tried = (rule for notice in decision.get("notices", ()) for rule in notice["policies"])
    return tuple(decision.get("reasons", ())), tuple(tried)


def _open(name: str, value: bytes) -> Iterable[str]:
    if name.partition(".")[0] == "arguments":
        return texts(_decode(value))
    return (value.decode("utf-8", "replace"),)


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
