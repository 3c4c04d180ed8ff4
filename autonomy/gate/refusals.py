"""Refusals in words, and the memory that lets identical ones within a second share a leaf."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from autonomy.budget import Refusal, amount_in_words
from autonomy.kernel.clock import SECOND, Clock
from autonomy.kernel.errors import Busy

from .model import Attempt, Denied, Reply
from .results import notices

MAX_REMEMBERED = 10_000

PASSING = frozenset({"record.busy", "policy.unsettled", "fact.unavailable"})
"""Refusals that a moment later may be none: what people allowed, or a run asks for, is tried again for a while."""

_Key = tuple[str, ...]


class Refusals:
    """Says no, once a second to the same call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: OrderedDict[_Key, tuple[int, str]] = OrderedDict()

    def reply(self, attempt: Attempt, refusal: Denied, action: str) -> Reply:
        """What the agent hears: the rule, the reason, what would be needed, and the action whose leaf says so."""
        verdict = refusal.verdict
        return Reply(
            action,
            "denied",
            attempt.case,
            code=refusal.code,
            message=refusal.message,
            policies=verdict.policies if verdict else (),
            needed=verdict.needs if verdict else (),
            notices=notices(verdict) if verdict else (),
            detail=refusal.detail,
        )

    def earlier(self, attempt: Attempt, refusal: Denied) -> str | None:
        """The action with the leaf of the same refusal of the same call, at the same epochs, within the last second."""
        at, action = self._given.get(_key(attempt, refusal), (-SECOND, None))
        return action if self._is_young(at) else None

    def remember(self, attempt: Attempt, refusal: Denied) -> None:
        """Keep the leaf's action for a second; what is older goes."""
        key = _key(attempt, refusal)
        self._given.pop(key, None)
        while self._given and not self._is_young(next(iter(self._given.values()))[0]):
            self._given.popitem(last=False)
        if len(self._given) < MAX_REMEMBERED:
            self._given[key] = (self._clock(), attempt.id)

    def _is_young(self, at: int) -> bool:
        # A clock that was set back makes nothing young again.
        return 0 <= self._clock() - at < SECOND

    def record_busy(self, attempt: Attempt) -> Denied | Busy:
        """A record that another action is changing. What people allowed waits for it: nobody is there to be told."""
        if attempt.hold is not None:
            return Busy("another action is changing this record", code="record.busy")
        return Denied("record.busy", "another action is changing this record; read it again, then decide")

    def over_budget(self, refusal: Refusal, currency: str) -> Denied:
        """A budget without room, in the words of its measure."""
        amounts = (refusal.left, refusal.limit, refusal.asked)
        left, limit, asked = (amount_in_words(amount, refusal.measure, currency) for amount in amounts)
        message = f"the budget `{refusal.budget}` has {left} left of {limit}; this takes {asked}"
        return Denied(
            "budget.exceeded",
            message,
            budget=refusal.budget,
            limit=refusal.limit,
            settled=refusal.settled,
            reserved=refusal.reserved,
            asked=refusal.asked,
        )


def _key(attempt: Attempt, refusal: Denied) -> _Key:
    """Who for whom, what with which words, refused by what under which epochs; arguments by their digest."""
    chain = (view.id for view in attempt.caller.chain)
    epochs = (str(attempt.house.epoch), str(attempt.identity))
    policies = refusal.verdict.policies if refusal.verdict else ()
    digest = hashlib.sha256(attempt.arguments).hexdigest()
    return (attempt.case, refusal.code, attempt.request.tool, digest, *epochs, *chain, "by", *policies)
