"""The tools `decision.*`: a table is asked like any system of record, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.tools import Invocation, Refused, Result

if TYPE_CHECKING:
    from autonomy.decisions import Decisions


class DecisionTools:
    """The connector of decision tables."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def __call__(self, function: str, arguments: Mapping[str, Json], _invocation: Invocation) -> Result:
        """The answer of the table `function` for the arguments. Raises Refused with the table's own code."""
        try:
            return Result(self._decisions.decide(function, arguments).as_dict())
        except (Conflict, Invalid, NotFound) as error:
            raise Refused(error.message, code=error.code, hint=error.hint) from None
