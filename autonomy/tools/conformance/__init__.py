"""What any connector must do, as checks that a third party can run over its own.

A `Candidate` is a connector with one tool that reads and one that writes, and a `System` of record that behaves as it
is told. `checks_for(candidate)` are the checks that apply to it; each is run with `asyncio.run(check.run(make))`, where
`make` makes a fresh candidate, and raises `Unfit` with what was expected. Nothing here needs a test framework.
"""

from .candidate import CANARY, Behaviour, Candidate, System, Unfit
from .checks import CHECKS, Check, checks_for, examine

__all__ = ["CANARY", "CHECKS", "Behaviour", "Candidate", "Check", "System", "Unfit", "checks_for", "examine"]
