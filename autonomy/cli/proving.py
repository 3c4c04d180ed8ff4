"""Leaves of a server, each believed only as far as its proof holds on this side."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from autonomy.audit import note, read_leaf, story
from autonomy.audit.merkle import leaf_hash
from autonomy.audit.proof import check_proof, unproven
from autonomy.kernel.errors import Corrupt, NotFound
from autonomy.sdk import Client

T = TypeVar("T")

UNKEYED = "the key is the server's own word; check it with `--key`, from a source of your own"


class Signed(msgspec.Struct):
    """A checkpoint as a server shows it, with the key that it says is the log's."""

    note: str
    key: str


class Shown(msgspec.Struct):
    """A leaf and its proof as a server shows them."""

    index: int
    body: str
    path: list[str]
    checkpoint: Signed


@dataclass(frozen=True, slots=True)
class Proven:
    """A leaf whose proof holds under the checkpoint of `size` leaves: what is said here was computed from its text."""

    index: int
    leaf: dict[str, Any]
    hash: str
    size: int
    shown: Shown

    def as_dict(self, is_given: bool) -> dict[str, Any]:
        """For programs."""
        key = "given" if is_given else "from the server"
        signed = {"size": self.size, "note": self.shown.checkpoint.note, "key": self.shown.checkpoint.key}
        proof = {"index": self.index, "size": self.size, "hash": self.hash, "path": self.shown.path}
        return proof | {"body": self.shown.body, "leaf": self.leaf, "checkpoint": signed, "key": key}


def prove_leaf(client: Client, index: int, key: note.Verifier | None) -> Proven:
    """Leaf `index`, proven. Raises Corrupt (`audit.proof`, `server.answer`) where that does not hold, NotFound."""
    (found,) = _proven([client.proof(index)], key)
    if found.index != index:
        raise unproven(index, f"leaf {found.index} was shown in its place")
    return found


def prove_action(client: Client, action: str, key: note.Verifier | None) -> list[Proven]:
    """Every leaf that the server shows of an action, proven. Raises as `prove_leaf` does, and NotFound
    (`route.unknown`) where the server is too old to prove actions."""
    try:
        told = client.proofs(action)
    except NotFound as error:
        if error.code != "route.unknown":
            raise
        hint = "update it; until then, `autonomy audit export` and `autonomy audit verify` prove all leaves"
        raise NotFound("this server is too old to prove an action", code=error.code, hint=hint) from None
    found = _proven(_answered(told.get("proofs"), list[Any]), key)
    if not found:
        raise Corrupt(f"the server shows no leaf of `{action[:40]}`", code="audit.proof")
    last = -1
    for one in found:
        if one.leaf.get("action") != action:
            raise unproven(one.index, "it is about another action")
        if one.index <= last:
            raise unproven(one.index, "it is not shown in the order of the log, or twice")
        last = one.index
    return found


def _proven(told: Sequence[Any], key: note.Verifier | None) -> list[Proven]:
    """The leaves, under the one key; where none is given, that which the server names first."""
    shown = [_answered(one, Shown) for one in told]
    trusted = key or (note.Verifier.parse(shown[0].checkpoint.key) if shown else None)
    return [_held(one, trusted) for one in shown if trusted]


def _held(shown: Shown, key: note.Verifier) -> Proven:
    try:
        body, path = shown.body.encode(), [b64decode(one, validate=True) for one in shown.path]
    except ValueError:  # half a character, or no base64
        raise unproven(shown.index, "its proof is malformed") from None
    signed = check_proof(shown.index, body, path, shown.checkpoint.note, key)
    try:
        story.read_step(body)
    except story.Unreadable:
        raise unproven(shown.index, "its text is not that of a leaf") from None
    return Proven(shown.index, read_leaf(body), leaf_hash(body).hex(), signed.size, shown)


def _answered(said: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError:
        hint = "see whether the server is of an older release"
        raise Corrupt("the server's answer is no proof", code="server.answer", hint=hint) from None
