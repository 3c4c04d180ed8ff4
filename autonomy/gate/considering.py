"""Questions of others: what would come of an action of an agent, asked by who is not that agent. Nothing is done."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from autonomy.identity import Identity
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.ids import new_id

from .epochs import Watch
from .model import Attempt, Reply, Request
from .service import Gate


class Considering:
    """Dry runs without a credential of the agent."""

    def __init__(self, gate: Gate, watch: Watch, identity: Identity, clock: Clock) -> None:
        self._gate = gate
        self._watch = watch
        self._identity = identity
        self._clock = clock

    async def consider(self, agent: str, request: Request, record: tuple[str, str] | None = None) -> Reply:
        """What would come of an action of `agent` (id or name), acting for itself.

        `record` is the kind and key of the record it is about. Nothing is reserved, counted, recorded or asked. Raises
        NotFound and Unauthenticated where there is no such agent or it may not act, Invalid (`record.kind`) where the
        tool changes no such record, and what a gate raises whose store does not answer.
        """
        await self._watch.refresh()
        house, identity, at = await self._watch.house(), self._watch.identity, self._clock()
        admit = partial(self._identity.stand_in, agent)
        caller = admit(identity)
        tool = house.registry.tools.get(request.tool)
        if record is not None and tool is not None and house.visible_to(caller, tool.name):
            request = replace(request, arguments=tool.about_record(request.arguments, *record))
        asked = replace(request, dry_run=True, key=None)
        case = asked.case or f"{caller.name}/{clock.day(at)}"
        attempt = Attempt(new_id("act", at), at, admit, caller, asked, case, house, identity, asked.check())
        return await self._gate.rehearse(attempt)
