"""Named places where a test may kill the process, to prove that nothing is lost there.

`AUTONOMY_FAILPOINT=name` or `name:n` kills at the n-th pass (first by default). Unarmed, a pass costs one comparison.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _PASS = os.environ.get("AUTONOMY_FAILPOINT", "").partition(":")
_left = int(_PASS or 1)

NAMES = (
    "group.begun",
    "group.written",
    "group.committed",
    "intent.durable",
    "effect.done",
    "outcome.durable",
    "hold.durable",
    "claim.durable",
    "checkpoint.signed",
    "witness.written",
    "apply.checked",
)
"""Every failpoint of the house, in the order in which an action passes them."""


def failpoint(name: str) -> None:
    """Die here by SIGKILL where the environment asks for it."""
    global _left
    if name != _NAME:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
