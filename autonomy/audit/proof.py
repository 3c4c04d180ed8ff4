"""Whether what somebody shows as a leaf stands in a log: by its text, its path and the signed checkpoint, and nothing
that they say of these."""

from __future__ import annotations

from collections.abc import Sequence

from autonomy.audit import note
from autonomy.audit.merkle import leaf_hash, verify_inclusion
from autonomy.kernel.errors import Corrupt, Invalid


def check_proof(index: int, body: bytes, path: Sequence[bytes], checkpoint: str, key: note.Verifier) -> note.Checkpoint:
    """The checkpoint, signed by the log's key, under whose root leaf `index` stands with these bytes.

    Raises Corrupt (`audit.proof`) where it does not (RFC 9162, section 2.1.3.2).
    """
    try:
        signed = note.parse(checkpoint, [key])
    except Invalid as error:
        raise unproven(index, f"its checkpoint is not one by the key of `{key.name}`: {error.message}") from None
    if signed.origin != key.name:
        raise unproven(index, f"its checkpoint is another log's, not that of `{key.name}`")
    if not verify_inclusion(leaf_hash(body), index, signed.size, path, signed.root):
        raise unproven(index, f"its text is not under the root of the {signed.size} leaves that were signed")
    return signed


def unproven(index: int, why: str) -> Corrupt:
    """What is said of a leaf whose proof does not hold."""
    return Corrupt(
        f"leaf {index} is not proven: {why}",
        code="audit.proof",
        hint="trust nothing that is shown of it; `autonomy audit export` and `autonomy audit verify` say more",
    )
