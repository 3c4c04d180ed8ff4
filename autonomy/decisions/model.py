"""What a decision table answers, and how a case of its inputs is shown."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

Inputs = Mapping[str, Json]


class Decided(Struct, frozen=True):
    """The answer to one case: its outputs (a list of them for `collect`), the numbers of the rows that gave them, and
    the revision of the table that was asked."""

    decision: str
    revision: str
    outputs: Json
    rows: tuple[int, ...]

    def as_dict(self) -> dict[str, Json]:
        """The answer as every face shows it."""
        return {
            "decision": self.decision,
            "revision": self.revision,
            "outputs": self.outputs,
            "rows": list(self.rows),
        }


def shown(inputs: Inputs) -> str:
    """A case in words: `amount = 5000, country = "DE"`."""
    return ", ".join(f"{name} = {canonical.encode(value).decode()}" for name, value in inputs.items())
