"""Letters to people, through a declared mail connector: in its limits, to whom it may write, guarded like any call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from autonomy.catalog.model import ConnectorSpec
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.systems import MailConnector, MailMessage
from autonomy.kernel.clock import Clock

from .attempt import Attempt
from .errors import Unreachable
from .messages import compose
from .outbound import Outbound

SECONDS = 25.0  # for a mail server to take one; whoever sends waits half a minute

_LETTER = MailMessage(to=["{address}"], subject="{subject}", text="{text}")


class Letters:
    """Sends by the mail connector `name` of the organisation in force. `site` is where this process is."""

    def __init__(
        self, organisation: Callable[[], Organisation], outbound: Outbound, name: str, site: str, clock: Clock
    ) -> None:
        self._organisation = organisation
        self._outbound = outbound
        self._name = name
        self._site = site
        self._clock = clock

    async def send(self, id: str, address: str, subject: str, text: str) -> None:
        """Hand one letter over; `id` is in its Message-ID, so that a mailbox can tell repeats.

        Raises Invalid (`mail.recipient`) where the connector may not write to `address`, Refused where the server said
        no, Unreachable where nothing was sent, Unsure where it may have been.
        """
        spec = self._connector()
        values = {"address": address, "subject": subject, "text": text}
        message, recipients = compose(spec, _LETTER, values, id, self._clock())
        credential = await self._outbound.credential(spec.credential)
        server, attempt = self._outbound.mail_server(spec), Attempt(True, SECONDS)
        await asyncio.to_thread(partial(server.send, message, recipients, attempt, credential))

    def _connector(self) -> MailConnector:
        found = self._organisation().get("Connector", self._name)
        spec = found.spec if found is not None else None
        if not isinstance(spec, ConnectorSpec) or not isinstance(spec.use, MailConnector):
            raise Unreachable(f"`{self._name}` is no mail connector", code="connector.unknown")
        if spec.site not in (None, self._site):
            raise Unreachable(f"`{self._name}` performs only at the site `{spec.site}`", code="site.elsewhere")
        return spec.use
