"""The URL `/mcp`: HTTP around the messages."""

from __future__ import annotations

import logging

from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Unauthenticated
from autonomy.telemetry import arrival, read_caller

from .. import asgi
from ..asgi import Answer, Disconnected, Incoming
from ..ports import Clients, Door, Withdraw, Work
from ..refusals import bearer_of, guidance
from ..rest import check_json
from .eras import Era, era_of
from .message import INTERNAL_ERROR, INVALID_REQUEST, Fault, Id, Message, failure, read_message, result, to_fault
from .service import Call, Service

log = logging.getLogger("autonomy.protocols")

ACCEPTED = ("application/json", "application/*", "*/*")


class McpEndpoint:
    """Answers every POST by itself: no session, no stream, no memory between two requests."""

    def __init__(
        self, door: Door, clients: Clients, work: Work, withdraw: Withdraw, metadata: str, clock: Clock
    ) -> None:
        self._service = Service(door, clients, work, withdraw, clock)
        self._metadata = metadata

    async def post(self, incoming: Incoming) -> Answer:
        """One JSON-RPC message. Raises Disconnected where the caller cancelled by leaving."""
        try:
            bearer = bearer_of(incoming)
            check_json(incoming)
            _check_accept(incoming)
            message = read_message(asgi.read_json(await incoming.body()))
        except (AutonomyError, Fault) as error:
            return self._failed(incoming, error, None, "modern")
        self._note(incoming, message)
        return await self._answer(incoming, bearer, message)

    def _note(self, incoming: Incoming, message: Message) -> None:
        """Count it by its method, where we know that, and let its trace be continued (SEP-414)."""
        found = arrival()
        if found is None or not self._service.knows(message.method):
            return
        incoming.route = f"{incoming.route} {message.method}"
        found.method = message.method
        parent, state = message.meta.get("traceparent"), message.meta.get("tracestate")
        if isinstance(parent, str):
            found.caller = read_caller(parent, state if isinstance(state, str) else None) or found.caller

    async def _answer(self, incoming: Incoming, bearer: str, message: Message) -> Answer:
        era: Era = "modern"
        try:
            era = era_of(message, incoming.header)
            if message.id is None:
                await self._service.greet(bearer)
                return Answer(202)
            call = Call(bearer, message, era)
            if era == "modern":
                found = await incoming.unless_gone(self._service.answer(call))
            else:
                # Before 2026-07-28 a lost connection was no cancellation: the call goes on.
                found = await self._service.answer(call)
            return asgi.json(200, result(message.id, found))
        except (AutonomyError, Fault) as error:
            return self._failed(incoming, error, message.id, era)
        except Disconnected:
            raise
        except Exception:
            log.exception("%r broke", message.method[:80])
            return self._failed(incoming, Fault(INTERNAL_ERROR, "internal error"), message.id, era)

    def _failed(self, incoming: Incoming, error: AutonomyError | Fault, id_: Id | None, era: Era) -> Answer:
        fault = error if isinstance(error, Fault) else to_fault(error)
        incoming.status = fault.status
        headers = guidance(error, self._metadata) if isinstance(error, AutonomyError) else ()
        # Clients of the old era take an HTTP error for a broken connection; what has an id is answered with 200.
        answered = era == "legacy" and id_ is not None and not isinstance(error, Unauthenticated)
        return asgi.json(200 if answered else fault.status, failure(id_, fault), *headers)


def _check_accept(incoming: Incoming) -> None:
    accept = incoming.header(b"accept")
    if accept is None:
        return
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if kinds.isdisjoint(ACCEPTED):
        raise Fault(INVALID_REQUEST, "answers are JSON: accept `application/json`", status=406)
