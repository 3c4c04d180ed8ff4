"""HTTP to identity providers: through the same guarded sockets as every connector, bounded in size and time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus, urlencode

from autonomy.catalog.services import HttpService
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError
from autonomy.tools.attempt import Attempt
from autonomy.tools.credential import Credential, Presented
from autonomy.tools.outbound import Outbound
from autonomy.tools.ssrf import parse_url

from .errors import down, misunderstood

SECONDS = 5.0  # somebody waits in front of a browser
MAX_ANSWER = 262_144  # bytes of a discovery document, a key set or a token answer

_FORM = "application/x-www-form-urlencoded"


class Web:
    """Asks identity providers. `allow` are CIDR ranges that may be reached although they are private."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def get(self, url: str, allow: Sequence[str], bearer: Credential | None = None) -> dict[str, Json]:
        """The JSON object at `url`. Raises Unavailable (`sign_on.provider_down`, `sign_on.provider`)."""
        status, found = await self._ask("GET", url, None, allow, bearer, "Bearer")
        if status != 200:
            raise misunderstood(f"it answers {status}")
        return found

    async def post(
        self, url: str, form: Mapping[str, str], allow: Sequence[str], client: Credential | None
    ) -> tuple[int, dict[str, Json]]:
        """Status and JSON object that answer a form; `client` is what `basic` made. Raises Unavailable as `get`."""
        return await self._ask("POST", url, urlencode(form).encode(), allow, client, "Basic")

    async def basic(self, client_id: str, secret: str) -> Credential:
        """Name and secret of a client as they stand in a header (RFC 6749 section 2.3.1). Raises Unavailable."""
        found = await self._outbound.credential(secret)
        assert found is not None  # a name was given
        pair = f"{quote_plus(client_id)}:{quote_plus(found.reveal())}"
        return Credential(found.name, found.version, base64.b64encode(pair.encode()).decode())

    async def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        allow: Sequence[str],
        credential: Credential | None,
        scheme: str,
    ) -> tuple[int, dict[str, Json]]:
        headers = {"Accept": "application/json"} | ({"Content-Type": _FORM} if body is not None else {})
        try:
            target = parse_url(url)
            spec = HttpService(baseUrl=url, allow=list(allow), maxBytes=MAX_ANSWER)
            shown = [Presented(credential, spec.header, scheme)] if credential is not None else []
            endpoint = self._outbound.endpoint(spec)
            try:
                async with asyncio.timeout(SECONDS):
                    # Never a write to the guard: nothing that a provider does for us has to be asked about later.
                    attempt = Attempt(False, SECONDS)
                    answer = await endpoint.send(method, target, headers, body, attempt, shown)
            finally:
                await endpoint.close()
        except TimeoutError:
            raise down(f"it did not answer within {SECONDS:.0f} seconds") from None
        except AutonomyError as error:
            raise down(error.message) from None
        return answer.status, _object(answer.text)


def _object(text: str | None) -> dict[str, Json]:
    try:
        found = canonical.parse((text or "").encode(), MAX_ANSWER)
    except AutonomyError:
        raise misunderstood("its answer is no JSON") from None
    if not isinstance(found, dict):
        raise misunderstood("its answer is no object")
    return found
