"""Named places where a test may kill the process, to prove that nothing is lost there.

`AUTONOMY_FAILPOINT=name` or `name:n` kills at the n-th pass (first by default); so does `arm`. Unarmed, a pass costs
one comparison.
"""

from __future__ import annotations

import os
import signal

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

OF_RUNS = ("run.durable",)
"""Those that only a run of a workflow passes."""

AT_SITES = ("site.claimed", "site.performed")
"""Those that only a worker of a site passes."""

OF_FIGURES = ("figures.written",)
"""Those that only the counting of figures passes."""

_name = ""
_left = 0


def arm(name: str, passes: int = 1) -> None:
    """Die at the `passes`-th pass of `name` from now on; at none where `name` is empty."""
    global _name, _left
    if name and name not in NAMES + OF_RUNS + AT_SITES + OF_FIGURES:
        raise ValueError(f"there is no failpoint `{name}`")
    _name, _left = name, passes


def failpoint(name: str) -> None:
    """Die here by SIGKILL where that was asked for."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _arm_from_environment(asked: str) -> None:
    name, _, passes = asked.partition(":")
    arm(name, int(passes or 1))


_arm_from_environment(os.environ.get("AUTONOMY_FAILPOINT", ""))
