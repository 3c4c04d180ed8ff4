"""What requests show to a service, and a refused credential that is renewed once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from autonomy.catalog.services import HttpService

from .attempt import Attempt
from .credential import Presented
from .outbound import Outbound
from .wanted import Wanted

if TYPE_CHECKING:
    import ssl

    from .endpoint import Answer

Send = Callable[[Sequence[Presented], "ssl.SSLContext | None"], Awaitable[tuple["Answer", bool]]]
"""Sends a request that shows these credentials and this client certificate; returns the answer, and whether it came
from where they are shown."""

_UNAUTHORIZED = 401


async def showing(
    outbound: Outbound, service: HttpService, wanted: Sequence[Wanted], agent: str, attempt: Attempt, send: Send
) -> Answer:
    """The answer to what `send` sends for `agent`. Where the service refuses what it was shown (401) it has done
    nothing: what has been renewed meanwhile is shown once more, also for a write. Raises Refused, Unreachable, Unsure.
    """
    shown = await outbound.present(service, wanted, agent, attempt.seconds_left)
    tls = await outbound.tls(service, agent)
    answer, is_home = await send(shown, tls)
    if answer.status != _UNAUTHORIZED or not shown or not is_home:
        return answer
    attempt.take_back()
    again = await outbound.present(service, wanted, agent, attempt.seconds_left, shown)
    if all(_same(one, before) for one, before in zip(again, shown, strict=True)):
        return answer
    return (await send(again, tls))[0]


def _same(one: Presented, before: Presented) -> bool:
    return one.credential is before.credential or one.credential.version == before.credential.version
