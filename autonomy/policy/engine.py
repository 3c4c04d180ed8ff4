"""Cedar, asked with the schema and the entities of one bundle; what it has answered it is not asked again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import cedarpy
from msgspec import Struct
from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from .context import encoded
from .likeness import Key, Likeness
from .reads import kept
from .shapes import RecordOf

MOST_ANSWERS = 8_192
"""Answers that are remembered; where there are more, all are forgotten and the next ones remembered."""

_UNANSWERED = "the request could not be evaluated"
_FAILED = re.compile(r"policy `([^`]*)`")


class Answer(Struct, frozen=True):
    """What the engine said once: `policies` matched and decided; `failed` names what could not be evaluated."""

    allowed: bool
    policies: tuple[str, ...]
    failed: tuple[str, ...]


class Reading(Struct, frozen=True):
    """What the rules about one tool read of a context, and what of it they tell apart."""

    shape: RecordOf
    likeness: Likeness


class Request(Struct, frozen=True):
    """One agent before one tool, in one context, `approvers` as in a Question."""

    agent: str
    tool: str
    context: Mapping[str, Json]
    reading: Reading
    approvers: Mapping[str, int]

    @property
    def approvals(self) -> frozenset[str]:
        """The roles that have approved it."""
        return frozenset(self.context["approvals"])

    @property
    def key(self) -> Key:
        """The same for requests that the rules cannot tell apart."""
        return (self.tool, *self.reading.likeness.key(self.agent, self.context))

    def with_approvals(self, roles: Iterable[str]) -> Request:
        """The same request, had these roles approved it and no others."""
        return replace(self, context={**self.context, "approvals": sorted(roles)})


class Engine:
    """The engine of one bundle, whose schema and entities never change: so an answer, once given, stays true."""

    def __init__(self, schema: cedarpy.Schema, entities: cedarpy.Entities) -> None:
        self.schema = schema
        self.entities = entities
        self._answers: dict[tuple[cedarpy.PolicySet, Key], Answer] = {}

    def ask(self, request: Request, policies: cedarpy.PolicySet) -> Answer:
        """The engine's answer, or the one it gave to a request that is alike before these rules.

        A request it refuses is an answer with a failure, never an exception.
        """
        key = (policies, request.key)
        found = self._answers.get(key)
        if found is None:
            if len(self._answers) >= MOST_ANSWERS:
                self.forget()
            found = self._answers[key] = self._answer(request, policies)
        return found

    def forget(self) -> None:
        """Remember no answer."""
        self._answers.clear()

    def put(self, request: Request, policies: cedarpy.PolicySet) -> cedarpy.AuthzResult:
        """Put one request to the engine; always with the schema, without which it skips what it cannot evaluate."""
        question = {
            # Written as objects: the text form would be parsed at every call, at a quarter of the decision's cost.
            "principal": {"type": "Agent", "id": request.agent},
            "action": {"type": "Action", "id": request.tool},
            "resource": {"type": "Tool", "id": request.tool},
            "context": encoded(kept(request.reading.shape, request.context)),
        }
        return cedarpy.is_authorized(question, policies, self.entities, self.schema)

    def _answer(self, request: Request, policies: cedarpy.PolicySet) -> Answer:
        try:
            result = self.put(request, policies)
        except (ValueError, TypeError):
            return Answer(False, (), (_UNANSWERED,))
        failed = tuple(map(_failure, result.diagnostics.errors))
        if result.decision is cedarpy.Decision.NoDecision and not failed:
            failed = (_UNANSWERED,)
        return Answer(result.allowed, tuple(sorted(result.diagnostics.reasons)), failed)


def _failure(text: str) -> str:
    # The engine's own words may repeat an argument's value, which must not reach a log; `why` shows them.
    found = _FAILED.search(text)
    return f"rule `{found[1]}` could not be evaluated" if found else _UNANSWERED
