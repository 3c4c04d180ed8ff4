"""AuthZEN: other systems ask the same policies (OpenID Authorization API 1.0).

    POST /access/v1/evaluation     one decision
    POST /access/v1/evaluations    several, with defaults and semantics

Each is a dry run through the gate: facts are looked up, windows and budgets are as they truly are, nothing is reserved,
nothing is recorded, nobody is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

from autonomy.kernel.errors import AutonomyError, Invalid, NotFound, Unauthenticated

from . import asgi
from .asgi import Answer, Header, Incoming
from .authzen_words import (
    Batch,
    Evaluation,
    decision_of,
    denial_of,
    read_batch,
    read_evaluation,
    refusal_of,
    stops,
)
from .ports import Clients, Consider
from .refusals import bearer_of
from .rest import check_json

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
AT_ONCE = 8  # evaluations of one request under way together
MAX_REQUEST_ID = 200

_REQUEST_ID = b"x-request-id"


class AuthZen:
    """The policy decision point."""

    def __init__(self, consider: Consider, services: Clients) -> None:
        self._consider = consider
        self._services = services

    async def evaluation(self, incoming: Incoming) -> Answer:
        """One decision."""
        await self._admit(incoming)
        found = await self._decide(read_evaluation(await _body(incoming)))
        return _answer(incoming, found)

    async def evaluations(self, incoming: Incoming) -> Answer:
        """Several decisions, in the order asked; fewer where the semantic stops early."""
        await self._admit(incoming)
        body = await _body(incoming)
        batch = read_batch(body)
        if batch is None:
            return _answer(incoming, await self._decide(read_evaluation(body)))
        return _answer(incoming, {"evaluations": await self._decide_all(batch)})

    async def _admit(self, incoming: Incoming) -> None:
        bearer = bearer_of(incoming)
        check_json(incoming)
        await asyncio.to_thread(self._services.admit_service, bearer, "authzen")

    async def _decide_all(self, batch: Batch) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        width = AT_ONCE if batch.semantic == "execute_all" else 1
        for start in range(0, len(batch.evaluations), width):
            some = batch.evaluations[start : start + width]
            found += await asyncio.gather(*(self._decide_or_refuse(one) for one in some))
            if stops(batch.semantic, found[-1]["decision"]):
                break
        return found

    async def _decide_or_refuse(self, asked: Evaluation | Invalid) -> dict[str, Any]:
        if isinstance(asked, Invalid):
            return refusal_of(asked)
        try:
            return await self._decide(asked)
        except AutonomyError as error:
            return refusal_of(error)

    async def _decide(self, asked: Evaluation) -> dict[str, Any]:
        try:
            return decision_of(await self._consider(asked.agent, asked.request, asked.record))
        except (NotFound, Unauthenticated) as error:
            # Who is not here, or may not act, is refused like everybody else: the question itself was sound.
            return denial_of(error)


async def _body(incoming: Incoming) -> Any:
    return asgi.read_json(await incoming.body())


def _answer(incoming: Incoming, found: dict[str, Any]) -> Answer:
    """The answer, under the id the caller gave its request (section 10.1.3)."""
    said = incoming.header(_REQUEST_ID)
    fits = said is not None and 0 < len(said) <= MAX_REQUEST_ID and said.isascii() and said.isprintable()
    headers: tuple[Header, ...] = ((_REQUEST_ID, said.encode()),) if said is not None and fits else ()
    return asgi.json(200, found, *headers)
