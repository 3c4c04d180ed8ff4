"""People ask for access as agents do: a role more for an agent, asked for through an agent that has the tool for it.

The rules of that agent hold, the same people are asked, the same change comes of it. Who asks does not approve.
"""

from __future__ import annotations

from typing import NamedTuple

from autonomy.audit import record
from autonomy.catalog import access
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.own_tools import ACCESS_REQUEST
from autonomy.gate import Reply, Request
from autonomy.identity import PersonCaller
from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict, NotFound, Unauthenticated
from autonomy.kernel.ids import new_id

from .system import System


class Asked(NamedTuple):
    """Through which agent it was asked, and what has become of it."""

    through: str
    reply: Reply


async def ask_for_access(
    system: System, person: PersonCaller, agent: str, role: str, reason: str, through: str | None = None
) -> Asked:
    """Ask that `agent` gets `role`, through the agent named or the first by name that may ask for it.

    Raises NotFound (`access.unknown_agent`, `access.unknown_role`, `access.nobody_asks`), or Conflict with the code of
    what keeps the agent that would ask from acting.
    """
    organisation = (await system.watch.house()).organisation
    asker = through or _first(organisation, agent)
    access.find(organisation, asker, agent, role)
    case, at = new_id("acc"), now()
    # The case stands in every leaf of the action: here it says for once which person is behind it.
    told = {"actor": person.actor, "event": "access_requested", "name": asker, "case": case}
    await system.queue.perform(lambda tx: record(tx, "identity", at, **told))
    request = Request(ACCESS_REQUEST, {"agent": agent, "role": role, "reason": reason}, case=case)
    try:
        return Asked(asker, await system.gate.employ(asker, request, person=person.name))
    except Unauthenticated as error:
        raise Conflict(f"`{asker}` cannot ask: {error.message}", code=error.code, hint="ask through another") from None


def _first(organisation: Organisation, agent: str) -> str:
    found = access.askers(organisation, agent, ACCESS_REQUEST)
    if not found:
        raise NotFound(
            f"no agent asks for access for `{agent[:80]}`",
            code="access.nobody_asks",
            hint=f"give an agent of its unit or above a role with `{ACCESS_REQUEST}` in its scope",
        )
    return found[0]
