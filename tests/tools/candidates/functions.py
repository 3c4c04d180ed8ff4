"""A Python connector: one that honours keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation, Refused, Unreachable, Unsure
from autonomy.tools.conformance import Candidate
from autonomy.tools.errors import Stale

from .place import INPUT, NOTE, Place, Stood


class Ledger(Stood):
    """Takes a note once for each key."""

    async def __call__(self, function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        if self.how == "gone":
            raise Unreachable("the ledger is closed")
        self.heard += 1
        secret = invocation.credential.reveal() if invocation.credential else ""
        self._stop(secret)
        if self.how == "hang":
            await asyncio.Event().wait()
        if function == "take":
            self.done[invocation.action_id] = 1
        if self.how == "break":
            raise Unsure("the line broke") if function == "take" else Unreachable("the line broke")
        return {"note": "\ud800" if self.how == "flood" else arguments["note"], "key": secret}

    def _stop(self, secret: str) -> None:
        if self.how == "leak":
            raise Refused(f"the key {secret} is not liked", hint=f"not {secret}", key=secret)
        if self.how == "refuse":
            raise Refused("no")
        if self.how == "stale":
            raise Stale("it has changed")


async def make_function(place: Place) -> Candidate:
    ledger = Ledger()
    tool: dict[str, Any] = {"input": INPUT}
    return Candidate(
        name="python",
        use={"type": "python", "entryPoint": "ledger", "credential": "key"},
        read={**tool, "call": {"function": "read"}},
        write={**tool, "call": {"function": "take"}, "effect": "write-keyed"},
        arguments=NOTE,
        system=ledger,
        functions={"ledger": ledger},
    )
