"""States and commands as they are stored: MessagePack, sealed under one key of the house, bound to their name."""

from __future__ import annotations

import msgspec

from autonomy.kernel.errors import Corrupt
from autonomy.kernel.sealing import Seal

from . import rules
from .definition import Definition
from .model import Command, State

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Command)
_definitions = msgspec.msgpack.Decoder(Definition)


class Codec:
    """Writes and reads what goes through runs. `key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key, "workflow.sealed")

    def state(self, state: State) -> bytes:
        return self._seal.seal(state.run, rules.encode(state))

    def read_state(self, run: str, sealed: bytes) -> State:
        """Raises Corrupt (`workflow.sealed`, `workflow.state`), Invalid (`workflow.version`)."""
        return rules.decode(self._seal.open(run, sealed))

    def definition(self, definition: Definition) -> bytes:
        return self._seal.seal(definition.digest, _encoder.encode(definition))

    def read_definition(self, digest: str, sealed: bytes) -> Definition:
        """Raises Corrupt (`workflow.sealed`)."""
        return _definitions.decode(self._seal.open(digest, sealed))

    def command(self, command: Command) -> bytes:
        return self._seal.seal(command.id, _encoder.encode(command))

    def read_command(self, id: str, sealed: bytes) -> Command:
        """Raises Corrupt (`workflow.sealed`, `workflow.command`)."""
        try:
            found: Command = _decoder.decode(self._seal.open(id, sealed))
        except msgspec.DecodeError as error:
            raise Corrupt(f"a command of a run cannot be read: {error}", code="workflow.command") from None
        return found
