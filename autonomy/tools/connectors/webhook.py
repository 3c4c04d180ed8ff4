"""Webhooks: signed posts. An action that expects an answer waits until it comes in at a hook."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from autonomy.catalog.model import Call
from autonomy.catalog.services import HttpService
from autonomy.catalog.systems import WebhookConnector, WebhookPost
from autonomy.kernel import canonical, clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import SECOND, Clock
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..errors import Unreachable, Unsure
from ..model import Invocation, Result
from ..outbound import Outbound
from ..ports import Answers
from ..signatures import sign
from .http import meaning

if TYPE_CHECKING:
    from ..endpoint import Endpoint


class Webhook:
    """One receiver of signed posts."""

    def __init__(self, name: str, spec: WebhookConnector, outbound: Outbound, answers: Answers, clock: Clock) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound
        self._answers = answers
        self._clock = clock
        self._endpoint: Endpoint | None = None

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """What the receiver answered at once or, where an answer is expected at a hook, what came in there."""
        if call.post is None:
            raise Invalid("the tool declares no post", code="call.mismatch")
        if call.post.answer is None:
            return Result(await self._post(call.post, arguments, invocation, attempt))
        # A repeat after a crash may find that the answer has come in meanwhile.
        answer = await self._answers.find(call.post.answer, invocation.action_id)
        if answer is None:
            answer = await self._asked(call.post, call.post.answer, arguments, invocation, attempt)
        return Result(answer.value)

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()

    async def _asked(
        self,
        post: WebhookPost,
        hook: str,
        arguments: Mapping[str, Json],
        invocation: Invocation,
        attempt: Attempt,
    ) -> Result:
        """Post, and wait for the answer: it may be quicker than the receiver's own word that it has taken the post."""
        waiting = asyncio.ensure_future(self._answers.wait(hook, invocation.action_id))
        try:
            try:
                await self._post(post, arguments, invocation, attempt)
            except Unsure:
                if not waiting.done():
                    raise
            return await waiting
        finally:
            waiting.cancel()

    async def _post(
        self, post: WebhookPost, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt
    ) -> Json:
        if self._endpoint is None:
            self._endpoint = self._outbound.endpoint(_as_http(self._spec))
        at, id = self._clock(), invocation.action_id
        body = canonical.encode(
            {"type": post.event, "timestamp": clock.rfc3339(at), "action": id, "data": dict(arguments)}
        )
        credential = await self._outbound.credential(self._spec.credential)
        try:
            key = await self._outbound.signing_key(self._spec.credential)
        except Invalid as error:
            raise Unreachable(error.message, code=error.code) from None
        headers = {"Content-Type": "application/json", **sign(key, id, at // SECOND, body)}
        answer = await self._endpoint.send("POST", self._endpoint.base, headers, body, attempt)
        # The receiver knows the key as well, and may repeat it.
        if credential is not None and answer.text is not None:
            answer = answer._replace(text=credential.scrub(answer.text))
        return meaning(self._name, answer, attempt.write)


def _as_http(spec: WebhookConnector) -> HttpService:
    """The same limits and the same guard as any HTTP service."""
    return HttpService(baseUrl=spec.url, allow=spec.allow, timeout=spec.timeout, maxBytes=spec.maxBytes)
