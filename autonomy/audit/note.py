"""Signed notes and checkpoints: C2SP `signed-note`, `tlog-checkpoint` and `tlog-cosignature`, byte for byte.

A note is text, an empty line, and one line for each signature: `— <name> <base64 of key id and signature>`. A
checkpoint is a note whose text names the log, its size and its root. See https://c2sp.org/signed-note.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from autonomy.kernel.errors import Invalid

ED25519 = 1
COSIGNATURE = 4  # a witness signs the time with the checkpoint (C2SP tlog-cosignature, version 1)
PUBLIC_KEY_BYTES = 32
ROOT_BYTES = 32
MAX_SIGNATURES = 100  # each known one costs a signature check
MAX_NOTE_CHARACTERS = 65_536

_KEY_ID_BYTES = 4
_TIMESTAMP_BYTES = 8
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits itself to: under the name `origin`, its first `size` leaves have the root `root`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed. Raises Invalid for a checkpoint that has no such text."""
        lines = [self.origin, str(self.size), _base64(self.root), *self.extensions]
        text = "".join(f"{line}\n" for line in lines)
        if _checkpoint(text) != self:
            raise Invalid(
                "the checkpoint has no text form", code="note.checkpoint", hint="its lines hold no line breaks"
            )
        return text


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name: what checks signatures."""

    name: str
    public: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(letter.isspace() for letter in self.name):
            raise Invalid("a key name is empty, or holds a space or a plus sign", code="note.key")
        if self.algorithm not in (ED25519, COSIGNATURE) or len(self.public) != PUBLIC_KEY_BYTES:
            raise Invalid(f"the key `{self.name}` is not an Ed25519 key", code="note.key")

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """The key written as `<name>+<key id>+<base64>`. Raises Invalid for anything else."""
        name, key_id, key = [*text.split("+", 2), "", ""][:3]
        data = _unbase64(key)
        if not data or not _KEY_ID.fullmatch(key_id):
            raise Invalid("this is not a verifier key", code="note.key", hint="write it as `<name>+<key id>+<base64>`")
        verifier = cls(name, data[1:], data[0])
        if verifier.key_id.hex() != key_id:
            raise Invalid(f"the key id `{key_id}` does not belong to the key of `{name}`", code="note.key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that point from a signature to its key."""
        return sha256(_utf8(self.name) + b"\n" + bytes([self.algorithm]) + self.public).digest()[:_KEY_ID_BYTES]

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this key's over `text`."""
        message = _utf8(text)
        if self.algorithm == COSIGNATURE:
            at = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
            message, signature = _cosigned(message, at), signature[_TIMESTAMP_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.algorithm]) + self.public)}"


class Signer:
    """A private key under a name. It never shows the key."""

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = Verifier(name, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        """The key of the 32 secret bytes `seed` (RFC 8032, section 5.1.5)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def line(self, text: str) -> str:
        """The signature line of this key over `text`."""
        return _line(self.verifier, self._private.sign(_utf8(text)))

    def cosignature_line(self, text: str, at: int) -> str:
        """The line by which this key, as a witness, says that it saw the checkpoint `text` at `at` (seconds)."""
        signature = self._private.sign(_cosigned(_utf8(text), at))
        verifier = Verifier(self.verifier.name, self.verifier.public, COSIGNATURE)
        return _line(verifier, at.to_bytes(_TIMESTAMP_BYTES, "big") + signature)

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r})"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not checked yet."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart: its text and every signature on it, those of unknown keys too."""

    text: str
    signatures: tuple[Signature, ...]

    def checkpoint(self) -> Checkpoint:
        """The checkpoint in the text, whoever signed it. Raises Invalid where the text is none."""
        return _checkpoint(self.text)

    def verified(self, verifiers: Iterable[Verifier]) -> list[Verifier]:
        """Those of `verifiers` that signed. Raises Invalid where a signature of one of them is false."""
        known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
        signed: list[Verifier] = []
        for signature in self.signatures:
            verifier = known.get((signature.name, signature.key_id))
            if verifier is None or verifier in signed:
                continue
            if not verifier.verifies(self.text, signature.signature):
                raise Invalid(f"the signature of `{verifier.name}` is false", code="note.false_signature")
            signed.append(verifier)
        return signed


def sign(checkpoint: Checkpoint, key: Signer) -> str:
    """The checkpoint as a note signed by `key`."""
    return sign_text(checkpoint.text(), key)


def sign_text(text: str, key: Signer) -> str:
    """Any text as a note signed by `key`.

    Raises Invalid unless the text ends in a line break and holds no control character.
    """
    if not _is_note_text(text):
        raise Invalid("a note's text ends in a line break and holds no control character", code="note.text")
    return f"{text}\n{key.line(text)}"


def cosign(note: str, key: Signer, at: int) -> str:
    """The note with a witness's cosignature added: `key` saw it at `at` (seconds since the epoch).

    Its verifier is `Verifier(name, public, COSIGNATURE)`. Raises Invalid where `note` is malformed.
    """
    return note + key.cosignature_line(read(note).text, at)


def read(note: str) -> Note:
    """The note taken apart, nothing checked but its form. Raises Invalid where it is malformed."""
    head, gap, tail = note.rpartition("\n\n")
    text, lines = head + "\n", tail.split("\n")[:-1]
    complete = gap and lines and tail.endswith("\n")
    if len(note) > MAX_NOTE_CHARACTERS or not complete or not _is_note_text(text):
        raise Invalid("this is not a signed note", code="note.malformed")
    if len(lines) > MAX_SIGNATURES:
        raise Invalid(f"a note has more than {MAX_SIGNATURES} signatures", code="note.malformed")
    return Note(text, tuple(map(_signature, lines)))


def parse(note: str, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint that at least one of `verifiers` signed; signatures of other keys are passed over.

    Raises Invalid where the note is malformed, a known key's signature is false, or no known key signed.
    """
    return _checkpoint(signed_text(note, verifiers))


def signed_text(note: str, verifiers: Iterable[Verifier]) -> str:
    """The text that at least one of `verifiers` signed. Raises Invalid as `parse` does."""
    opened = read(note)
    if not opened.verified(verifiers):
        raise Invalid("no known key signed the note", code="note.unknown_key")
    return opened.text


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise Invalid("the note is no checkpoint", code="note.checkpoint")
    root = _unbase64(lines[2])
    if len(root) != ROOT_BYTES:
        raise Invalid("the checkpoint's root is not a hash", code="note.checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    data = _unbase64(encoded)
    if dash != "—" or not name or "+" in name or any(letter.isspace() for letter in name) or len(data) <= _KEY_ID_BYTES:
        raise Invalid("a signature line is malformed", code="note.malformed")
    return Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _line(verifier: Verifier, signature: bytes) -> str:
    return f"— {verifier.name} {_base64(verifier.key_id + signature)}\n"


def _cosigned(text: bytes, at: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % at + text


def _is_note_text(text: str) -> bool:
    return text.endswith("\n") and not any(letter < " " and letter != "\n" for letter in text)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid("text holds half a character", code="note.text") from None


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _unbase64(text: str) -> bytes:
    """The bytes of strict base64; empty where the text is not exactly what an encoder writes."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if _base64(data) == text else b""
