"""The order in which leaves must tell the story of an action: an intent first, then at most one outcome."""

from __future__ import annotations

import msgspec

KINDS = frozenset(
    {
        *("intent", "outcome", "denial", "hold"),
        *("approval", "change", "identity", "containment", "erasure", "secret", "reconcile", "budget", "absence"),
        *("delivery", "dispatch", "memory", "run", "task", "incident", "label"),
    }
)
VERSION = 1


class Step(msgspec.Struct, frozen=True, gc=False):
    """What a leaf contributes to the story; its other fields are passed over."""

    v: int
    kind: str
    at: int
    action: str | None = None
    approval: str | None = None
    commitments: dict[str, str] = {}


class Unreadable(Exception):
    """the leaf is not the JSON object a leaf must be"""


_decode = msgspec.json.Decoder(Step).decode


def read_step(body: bytes) -> Step:
    """What the leaf with these bytes contributes. Raises Unreadable."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable from error


class Story:
    """Follows a log leaf by leaf. `partial` says that it does not begin at leaf 0, so that intents may be missing."""

    __slots__ = ("_approvals", "_closed", "_open", "_partial")

    def __init__(self, partial: bool) -> None:
        self._partial = partial
        self._open: set[str] = set()
        self._closed: set[str] = set()
        self._approvals: set[str] = set()

    def tell(self, step: Step) -> str | None:
        """The code of what is wrong with this step at this place, or None."""
        if step.kind == "intent":
            return self._intent(step)
        if step.kind == "outcome":
            return self._outcome(step.action)
        if step.kind not in KINDS:
            return "leaf.unknown_kind"
        return None if step.v == VERSION else "leaf.unknown_version"

    def _intent(self, step: Step) -> str | None:
        action, approval = step.action, step.approval
        if step.v != VERSION:
            return "leaf.unknown_version"
        if not action:
            return "action.unnamed"
        if action in self._open or action in self._closed:
            return "action.second_intent"
        self._open.add(action)
        if approval in self._approvals:
            return "approval.used_twice"
        if approval:
            self._approvals.add(approval)
        return None

    def _outcome(self, action: str | None) -> str | None:
        if not action:
            return "action.unnamed"
        if action in self._closed:
            return "action.second_outcome"
        known = action in self._open
        self._open.discard(action)
        self._closed.add(action)
        return None if known or self._partial else "action.no_intent"


MEANINGS = {
    "leaf.unknown_kind": "this kind of leaf is not known to this verifier",
    "leaf.unknown_version": "this version of a leaf is not known to this verifier",
    "action.unnamed": "the leaf names no action",
    "action.second_intent": "the action was intended a second time",
    "action.second_outcome": "the action has a second outcome",
    "action.no_intent": "the outcome has no earlier intent",
    "approval.used_twice": "the approval was used a second time",
}
"""What each code of `Story.tell` means."""
