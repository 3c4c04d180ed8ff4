"""Tasks over plain HTTP, for agents that speak no MCP.

    POST /v1/tasks/next              {wait, lease}     the next task, claimed for you, or null after `wait` seconds
    GET  /v1/tasks/{id}                                a task you have, or brought to its end
    POST /v1/tasks/{id}/heartbeat    {claim, text, data, question, lease}
    POST /v1/tasks/{id}/complete     {claim, output}   answers `returned` and the `breach` where it does not fit
    POST /v1/tasks/{id}/hand_off     {claim, role or agent, text, data, question}
    POST /v1/tasks/{id}/escalate     {claim, reason, data, question}
    POST /v1/tasks/{id}/refuse       {claim, reason}

Whoever has a task names it with the `claim` that came with it; 409 `task.lost` says that somebody else has it now.
"""

from __future__ import annotations

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from . import asgi
from .asgi import Answer, Incoming
from .ports import Work
from .refusals import bearer_of
from .rest import check_json

TASKS = "/v1/tasks/"
NEXT = f"{TASKS}next"


class WorkFace:
    """The REST face of tasks."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def next(self, incoming: Incoming) -> Answer:
        """The next task; closing the connection gives up waiting for it."""
        bearer, said = bearer_of(incoming), await _said(incoming)
        return asgi.json(200, await incoming.unless_gone(self._work.next(bearer, said)))

    async def look(self, incoming: Incoming) -> Answer:
        """One task."""
        return asgi.json(200, await self._work.look(bearer_of(incoming), incoming.path.removeprefix(TASKS)))

    async def say(self, incoming: Incoming) -> Answer:
        """What whoever has a task says about it."""
        bearer, said = bearer_of(incoming), await _said(incoming)
        task, _, verb = incoming.path.removeprefix(TASKS).partition("/")
        return asgi.json(200, await self._work.say(bearer, verb, task, said))


async def _said(incoming: Incoming) -> dict[str, Json]:
    check_json(incoming)
    said = asgi.read_json(await incoming.body())
    if not isinstance(said, dict):
        raise Invalid("the body is not an object", code="request.body")
    return said
