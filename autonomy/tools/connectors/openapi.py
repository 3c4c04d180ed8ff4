"""OpenAPI services: operations of a pinned document, called as it describes them and allowed by what is declared."""

from __future__ import annotations

from collections.abc import Mapping

from autonomy.catalog.model import Call
from autonomy.catalog.services import OpenApiConnector
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..model import Invocation, Result
from ..operations import compose
from ..outbound import Outbound
from ..pages import Pages
from ..requests import Composed
from ..wanted import Wanted, of_operation
from .exchange import Exchange
from .http import meaning


class OpenApiInterface:
    """One declared base URL and the document of what can be asked there."""

    def __init__(self, name: str, spec: OpenApiConnector, outbound: Outbound) -> None:
        self._name = name
        self._spec = spec
        self._exchange = Exchange(name, spec, outbound)

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """The answer's JSON, or `{"text": …}`; of a list in pages `{"items": […]}`."""
        called = call.operation_call
        if called is None:
            raise Invalid("the tool declares no operation", code="call.mismatch")
        operation = self._spec.described.operation(called.id)
        wanted = of_operation(self._spec, operation)
        known = {"action_id": invocation.action_id, "agent": invocation.agent}
        composed = compose(self._exchange.base, operation, called, arguments, known)
        if called.pagination is not None and not attempt.write:
            return Result(await self._all(Pages(called.pagination, composed), wanted, invocation, attempt))
        answer = await self._exchange.send(composed, wanted, invocation, attempt)
        return Result(meaning(self._name, answer, attempt.write))

    async def close(self) -> None:
        await self._exchange.close()

    async def _all(
        self, pages: Pages, wanted: tuple[Wanted, ...], invocation: Invocation, attempt: Attempt
    ) -> dict[str, Json]:
        following: Composed | None = pages.first()
        while following is not None:
            answer = await self._exchange.send(following, wanted, invocation, attempt)
            value = meaning(self._name, answer, False)
            following = pages.take(value, answer.headers, following.target)
        return {"items": pages.items}
