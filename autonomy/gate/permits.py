"""Whether what was decided once may still go out: by what its agents are and by what is declared now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from autonomy.approvals import Approvals
from autonomy.db import Database, Reader
from autonomy.identity import Caller, Identity
from autonomy.kernel.errors import Unauthenticated

from .epochs import Watch
from .errand import Errand
from .leftovers import Leftover

RuledAnew = Callable[[int], bool]
"""Whether rules, or whom they are about, were declared anew since a catalog epoch; blocks on the store."""


class Permits:
    """Looks at errands before they go out again, and while they are out."""

    def __init__(
        self, database: Database, identity: Identity, approvals: Approvals, watch: Watch, ruled_anew: RuledAnew
    ) -> None:
        self._database = database
        self._identity = identity
        self._approvals = approvals
        self._watch = watch
        self._ruled_anew = ruled_anew

    def stop(self, errand: Errand) -> str | None:
        """The code of what stops its agents or its tool, at the identity epoch last seen; None where nothing does."""
        try:
            present = self._present(errand)
        except Unauthenticated as error:
            return error.code
        return "contained" if self._identity.contained(self._watch.identity, present, errand.tool.name) else None

    async def refusal(self, leftover: Leftover) -> str | None:
        """The code of what keeps it from being begun now, by the store as it is now; None where nothing does. Where
        rules were declared anew they are asked again, about what was known when it was decided. Raises Unavailable."""
        errand = leftover.errand
        await self._watch.refresh()
        if (stop := self.stop(errand)) is not None:
            return stop
        if errand.approved and await self._database.read(lambda reader: self._is_void(reader, errand.action)):
            return "approval.void"
        house = await self._watch.house()
        if house.epoch == errand.epoch or not await asyncio.to_thread(self._ruled_anew, errand.epoch):
            return None
        caller = self._present(errand)
        record = errand.tool.record_of(errand.arguments) or ("", "")
        asked = replace(leftover.question, record=record, site=caller.site or "")
        seen = caller.may_use(errand.tool.name) and house.visible_to(caller, errand.tool.name)
        return None if seen and house.bundle.decide(asked).effect == "allow" else "policy.denied"

    def _is_void(self, reader: Reader, action: str) -> bool:
        """Whether too few of those who approved it could still do so."""
        return bool(self._approvals.counted(reader, action).open_seats)

    def _present(self, errand: Errand) -> Caller:
        """Who does it, as they are now. Raises Unauthenticated."""
        return self._identity.readmit(errand.chain, errand.delegations, errand.credential, self._watch.identity)

    async def is_elsewhere(self, errand: Errand) -> bool:
        """Whether its connector was declared anew: another system may stand there, which knows nothing of it."""
        connector = (await self._watch.house()).organisation.get("Connector", errand.tool.connector)
        return errand.connector not in ("", connector.digest if connector else "")
