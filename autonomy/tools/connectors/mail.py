"""Mail: declared templates, handed over to a declared mail server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from autonomy.catalog.model import Call
from autonomy.catalog.systems import MailConnector
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..messages import compose, message_id
from ..model import Invocation, Result
from ..outbound import Outbound
from ..workers import Workers

THREADS = 4  # of one connector; also the most connections it holds open


class Mail:
    """One declared mail server."""

    def __init__(self, name: str, spec: MailConnector, outbound: Outbound, clock: Clock) -> None:
        self._spec = spec
        self._outbound = outbound
        self._server = outbound.mail_server(spec)
        self._clock = clock
        self._workers = Workers(f"mail-{name}", THREADS)

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """The message's id, its recipients, and what the server said when it took it."""
        if call.mail is None:
            raise Invalid("the tool declares no message", code="call.mismatch")
        named = {**arguments, "action_id": invocation.action_id, "agent": invocation.agent}
        message, recipients = compose(self._spec, call.mail, named, invocation.action_id, self._clock())
        credential = await self._outbound.credential(self._spec.credential)
        said = await self._workers.run(partial(self._server.send, message, recipients, attempt, credential))
        to: list[Json] = [*recipients]
        return Result({"message": message_id(self._spec, invocation.action_id), "recipients": to, "said": said})

    async def close(self) -> None:
        self._workers.close()
