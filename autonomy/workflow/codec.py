"""States and commands as they are stored: MessagePack, sealed under one key of the house, bound to their name."""

from __future__ import annotations

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from autonomy.kernel.errors import Corrupt

from . import rules
from .model import Command, State

_NONCE = 12  # bytes, as GCM is defined

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Command)


class Codec:
    """Writes and reads what goes through runs. `key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    def state(self, state: State) -> bytes:
        return self._seal(state.run, rules.encode(state))

    def read_state(self, run: str, sealed: bytes) -> State:
        """Raises Corrupt (`workflow.sealed`, `workflow.state`), Invalid (`workflow.version`)."""
        return rules.decode(self._open(run, sealed))

    def command(self, command: Command) -> bytes:
        return self._seal(command.id, _encoder.encode(command))

    def read_command(self, id: str, sealed: bytes) -> Command:
        """Raises Corrupt (`workflow.sealed`, `workflow.command`)."""
        try:
            found: Command = _decoder.decode(self._open(id, sealed))
        except msgspec.DecodeError as error:
            raise Corrupt(f"a command of a run cannot be read: {error}", code="workflow.command") from None
        return found

    def _seal(self, name: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._box.encrypt(nonce, value, name.encode())

    def _open(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except InvalidTag:
            raise Corrupt(f"what is stored of `{name[:80]}` is not what was written", code="workflow.sealed") from None
