"""The file format of an export, `autonomy-audit/1`: what its writer and its independent reader must agree on.

One JSON object a line, UTF-8, in this order:

    {"exported_at":ms,"format":"autonomy-audit/1","from":0,"frontier":…,"keys":[verifier key,…],"origin":…,"to":n}
    {"index":0,"leaf":{…}}                      the exact bytes of the leaf stand between `"leaf":` and the last `}`
    {"payload":{"index":0,"name":…,"salt":base64url,"value":…}}         after its leaf; the value is text
    {"checkpoint":signed note}                  after the leaf that completes its size
    {"link":{"checkpoint":signed note,"proof":[base64url,…]}}           a checkpoint outside the range, and its proof
    {"seal":signed note}                        over the SHA-256 of every byte before

`frontier` (base64url) holds the size `from` and the roots of the perfect subtrees left of it; a false one cannot lead
to a signed root. The proof of a link leads from the checkpoint to `from` where the checkpoint is older, and from `to`
to the checkpoint where it is newer.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

FORMAT = "autonomy-audit/1"
LEAF_END = b"}\n"
MAX_LINE_BYTES = 16 * 1_048_576  # the largest payload, every byte of it escaped, and room to spare
MAX_SIZE = 2**53 - 1  # of a tree: what every JSON reader reads without loss
SALT_BYTES = 16  # exactly: were the salt free, the front of a value could be called its end
MAX_CHECKPOINT_GAP = 1_000  # leaves that may stand between two checkpoints

Row = tuple[int, bytes, bytes, str, str | None, int]
"""A leaf as a database holds it: index, exact bytes, their hash for proofs, and the columns by which it is found: kind,
action, at (ms)."""


def leaf_start(index: int) -> bytes:
    """What stands on a line before the bytes of leaf `index`."""
    return b'{"index":%d,"leaf":' % index


def seal_text(origin: str, start: int, stop: int, digest: bytes) -> str:
    """The text the seal signs. It is no checkpoint: its third line is not a hash."""
    return f"{FORMAT} export\n{origin}\n{start} {stop}\n{b64encode(digest).decode('ascii')}\n"


def to_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def from_base64url(text: str) -> bytes:
    """The bytes of base64url without padding. Raises ValueError for any text `to_base64url` does not write."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("not base64url")
    return data
