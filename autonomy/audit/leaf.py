"""The leaf: one record of the log, versioned from the first day (`v`), as canonical JSON bytes.

What a leaf says is for ever, so it says nothing that may have to be forgotten: arguments, facts, results and
rationales appear only as salted commitments, `SHA-256(salt || value)`. The values lie in the payload table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from autonomy.db import Tx
from autonomy.kernel import canonical

from .merkle import leaf_hash

VERSION = 1

Kind = Literal[
    "intent",
    "outcome",
    "denial",
    "hold",
    "approval",
    "change",
    "identity",
    "containment",
    "erasure",
    "secret",
    "reconcile",
    "budget",
    "absence",
    "delivery",
    "dispatch",
    "run",
    "memory",
    "task",
    "incident",
    "label",
]


class Leaf(Struct, frozen=True):
    """A record ready for the log. The hash is made here, on the caller's thread, not in the writer's."""

    kind: str
    action: str | None
    at: int
    body: bytes
    hash: bytes


def make_leaf(kind: Kind, at: int, action: str | None = None, **fields: Any) -> Leaf:
    """A leaf of `kind` at `at` (milliseconds). `fields` hold no floats and no personal data; None is left out."""
    value = {name: field for name, field in fields.items() if field is not None}
    value.update(v=VERSION, kind=kind, at=at)
    if action is not None:
        value["action"] = action
    body = canonical.encode_plain(value)
    return Leaf(kind, action, at, body, leaf_hash(body))


_decode = msgspec.json.Decoder().decode


def read_leaf(body: bytes) -> dict[str, Any]:
    """What a leaf of our own log says."""
    found: dict[str, Any] = _decode(body)
    return found


def sealed_as(leaf: Mapping[str, Any]) -> str:
    """The id under which the vault keeps what a leaf commits to: that of the action, task or run it is about, or of
    the delivery; empty where it names none, so that nothing is found."""
    named: str = leaf.get("action") or leaf.get("delivery") or ""  # a delivery may come from nobody's action
    return named


def record(tx: Tx, kind: Kind, at: int, **fields: Any) -> int:
    """Append an administrative leaf in the transaction of `tx`; returns its index."""
    return tx.append(make_leaf(kind, at, **fields))


def commitment(salt: bytes, value: bytes) -> str:
    """The salted commitment to `value`, hexadecimal; without the 16-byte salt a short value cannot be guessed."""
    return hashlib.sha256(salt + value).hexdigest()
