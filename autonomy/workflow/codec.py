"""States and commands as they are stored: MessagePack, sealed under one key of the house, bound to their name."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Corrupt
from autonomy.kernel.sealing import Seal

from . import rules
from .definition import Definition
from .model import Command, State

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Command)
_definitions = msgspec.msgpack.Decoder(Definition)


SEALED = "workflow.sealed"
"""The code of what is not as it was written: no process will ever read it."""


DAMAGED = "workflow.damaged"
"""The code of a run's state that is not as it was written."""


class Unreadable(Struct, frozen=True):
    """A stored command that this process cannot read: damaged, or in the words of a newer process. `kind` is what its
    row says, `code` and `reason` are those of the error."""

    id: str
    kind: str
    code: str
    reason: str


class Codec:
    """Writes and reads what goes through runs. `key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key, SEALED)
        self._states = Seal(key, DAMAGED)
        self._bind = canonical.Keyed(canonical.derive(key, b"binds"))

    def bind(self, value: Json) -> str:
        """The same for the same value; whoever has no key can neither read nor guess it."""
        return self._bind.hash(canonical.encode(value))

    def state(self, state: State) -> bytes:
        return self._states.seal(state.run, rules.encode(state))

    def read_state(self, run: str, sealed: bytes) -> State:
        """Raises Corrupt (`workflow.damaged`, `workflow.state`), Invalid (`workflow.version`)."""
        return rules.decode(self._states.open(run, sealed))

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

    def look_into(self, id: str, kind: str, sealed: bytes) -> Command | Unreadable:
        """A stored command among others, of which one that cannot be read must not stand in the way."""
        try:
            return self.read_command(id, sealed)
        except Corrupt as error:
            return Unreadable(id, kind, error.code, error.message)
