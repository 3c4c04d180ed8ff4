"""What runs inside a run spend together stays within what that one may: each cost is counted up to the outermost run
that has a limit before its answer lets anything else begin."""

from __future__ import annotations

from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt, NotFound

from . import spending
from .damage import FOR_EVER
from .definitions import Definitions
from .desk import Desk, Known
from .events import Allowed, Charged
from .model import State


class Costs:
    """Counts costs, for the carriers that bring them."""

    def __init__(self, desk: Desk, definitions: Definitions, clock: Clock) -> None:
        self._desk = desk
        self._definitions = definitions
        self._clock = clock

    async def count(self, run: str, command: str, cost: int) -> None:
        """Count what `command` has cost (minor units of the base currency), and tell the run what is left to it by now:
        where the runs around it have none left, it stops. What is under way beside it at this moment may go beyond, as
        it may within one run. Nothing happens where no run around it has a limit."""
        if not cost:
            return
        known = await self._desk.known(run)
        if known.parent is None or (known.state.allowance is None and not known.state.ended):
            return
        if known.state.allowance is not None and known.state.spent + cost > known.state.allowance:
            await self._allow(run, known.parent, known.state)  # they may have been given more since
        state = (await self._desk.take_in(run, Charged(self._clock(), command, cost))).state
        await self._allow(run, known.parent, state)

    async def _allow(self, run: str, parent: str, state: State) -> None:
        """Tell a run in this `state` what is left to it by now."""
        left = await self._left_above(parent, state)
        if left is not None:
            await self._desk.take_in(run, Allowed(self._clock(), state.spent + left))

    async def _left_above(self, parent: str, state: State) -> int | None:
        """What the runs around one in this `state` have left, once all that it has spent is counted; less than nothing
        where they have spent more than they may, None where nothing limits them. `parent` began it."""
        try:
            above, taken = await self._charge(parent, state.spent)
            limit = spending.limit(await self._definitions.pinned(taken.digest), taken)
        except NotFound:
            return None  # it ended so long ago that it was tidied away
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return 0  # nobody knows what it may spend: it has ended, and takes with it what is inside
        left = [] if limit is None else [limit - taken.spent]
        if above.parent is not None and (taken.allowance is not None or taken.ended):
            further = await self._left_above(above.parent, taken)
            left += [] if further is None else [further]
        return min(left, default=None)

    async def _charge(self, command: str, spent: int) -> tuple[Known, State]:
        run = command.partition(":")[0]
        above = await self._desk.known(run)
        return above, (await self._desk.take_in(run, Charged(self._clock(), command, spent))).state
