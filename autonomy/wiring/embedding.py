"""Endpoints that make vectors of texts: asked the way tools ask systems of record, by the system itself."""

from __future__ import annotations

from collections.abc import Sequence

from autonomy.catalog.memory_space import Embedding
from autonomy.catalog.model import Call
from autonomy.catalog.services import HttpRequest, QueryPart
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, Unavailable
from autonomy.kernel.ids import new_id
from autonomy.tools import Connectors, Invocation, Refused, Unreachable

OF_THE_TEXTS = frozenset({400, 413, 422})
"""Statuses by which a server refuses what was sent; by others it refuses who sends it, or knows no such place."""


class Endpoints:
    """Asks them by the connectors of the organisation in force, once there are any."""

    def __init__(self) -> None:
        self._connectors: Connectors | None = None

    def connect(self, connectors: Connectors) -> None:
        """Ask by these from now on."""
        self._connectors = connectors

    async def ask(self, said: Embedding, texts: Sequence[str], seconds: float) -> Json:
        """What the endpoint answers. Raises Invalid (`memory.texts`) where it has something against these texts or its
        answer cannot be read, Unavailable (`memory.endpoint`) where it does not answer. Its own words are in neither,
        for they may hold what was sent."""
        if self._connectors is None:
            raise _silent()
        try:
            result = await self._connectors.ask(
                said.connector,
                _call(said),
                {"model": said.model, "input": list(texts)},
                Invocation(new_id("emb"), "", seconds),
            )
        except Refused as error:
            raise (_refused() if error.detail.get("status") in OF_THE_TEXTS else _silent()) from None
        except Unreachable as error:
            raise (_refused() if error.code == "upstream.failed" else _silent()) from None
        return result.value


def _call(said: Embedding) -> Call:
    query: dict[str, str | QueryPart] = {name: QueryPart(fixed=value) for name, value in said.query.items()}
    return Call(request=HttpRequest(method="POST", path=said.path, query=query, body="arguments"))


def _refused() -> Invalid:
    return Invalid("the endpoint makes no vectors of these texts", code="memory.texts", hint="look at its own log")


def _silent() -> Unavailable:
    return Unavailable("the endpoint makes no vectors now", code="memory.endpoint", hint="try again later")
