"""OAuth 2 as a client: tokens for services, fetched when needed, renewed before they end, kept in memory only.

Client credentials and refresh tokens (RFC 6749), exchange on behalf of a person (RFC 8693), resources (RFC 8707),
clients that sign instead of showing a secret (RFC 7523).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from autonomy.catalog.services import HttpService, OAuth
from autonomy.kernel import canonical, clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid
from autonomy.kernel.ids import new_id

from .assertion import TYPE, client_assertion
from .attempt import Attempt
from .credential import Credential
from .errors import Refused, Unreachable
from .keyring import Keyring

if TYPE_CHECKING:
    import ssl

    from .endpoint import Answer, Endpoint

Keep = Callable[[str, str], object]
"""Stores a new version of a secret; blocks on the store."""

Secured = Callable[[HttpService, str], Awaitable["ssl.SSLContext | None"]]
"""The TLS context for a service and an agent, where it is a particular one."""

HELD: Final = 10_000  # tokens at once, some kilobytes each; others are fetched again
EARLY_S: Final = 30.0  # before the end of a token it is renewed; less for tokens that live shorter
ASSUMED_S: Final = 300.0  # life of a token whose server does not say
AGAIN_S: Final = 5.0  # between attempts to store what the store did not take
JUST_NOW_S: Final = 5.0  # a token fetched within it and refused at once would be refused again
MAX_TOKEN: Final = 65_536

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ERROR = re.compile(r"[a-z_]{1,40}")

log = logging.getLogger("autonomy.tools")


@dataclass(slots=True)
class _Held:
    """One token and who waits for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Credential | None = None
    fetched_at: float = 0.0
    renew_at: float = 0.0
    version: int = 0
    made_from: dict[str, bytes] = field(default_factory=dict)  # what each secret was like, by name
    renewal: Credential | None = None  # a newer refresh token that the store did not take
    store_at: float = 0.0  # when that is tried again


class Tokens:
    """The tokens of every service. Used from one event loop; of those who need one, one fetches it."""

    def __init__(
        self, keyring: Keyring, endpoint: Callable[[HttpService], Endpoint], tls: Secured, keep: Keep | None
    ) -> None:
        self._keyring = keyring
        self._endpoint = endpoint
        self._tls = tls
        self._keep = keep
        self._held: OrderedDict[tuple[object, ...], _Held] = OrderedDict()
        self._endpoints: dict[tuple[object, ...], Endpoint] = {}

    async def token(
        self, service: HttpService, oauth: OAuth, agent: str, seconds: float, refused: Credential | None = None
    ) -> Credential:
        """A token that has not ended, made from the secrets as they are now; another one than `refused`, unless that
        was fetched just now.

        Raises Refused (`credential.refused`) where the authorization server says no, Unreachable where it does not
        answer, and either where a secret is gone: in all cases nothing was sent to the service.
        """
        held = self._entry(self._key(service, oauth, agent))
        async with held.lock:
            made_from = await self._made_from(oauth, service, agent)
            if made_from != held.made_from:
                _forget(held, oauth, made_from)
            await self._store_again(held, oauth, agent)
            now = time.monotonic()
            stale = held.token is refused and now - held.fetched_at > JUST_NOW_S
            if held.token is None or now >= held.renew_at or (refused is not None and stale):
                await self._fetch(held, service, oauth, agent, seconds)
            assert held.token is not None
            return held.token

    async def close(self) -> None:
        for endpoint in self._endpoints.values():
            await endpoint.close()

    async def _made_from(self, oauth: OAuth, service: HttpService, agent: str) -> dict[str, bytes]:
        """What tells the present secrets from others. Raises Refused or Unreachable where one is gone.

        A refresh token that the system itself renewed is the same grant: processes that share it would otherwise fetch
        their tokens anew by turns.
        """
        marks = {}
        for name in filter(None, _secrets(oauth, service)):
            found = await self._keyring.credential(name, agent)
            marks[name] = _grant(found) if name == oauth.refreshToken else _digest(found)
        return marks

    def _key(self, service: HttpService, oauth: OAuth, agent: str) -> tuple[object, ...]:
        names = (self._keyring.name_for(name, agent) if name else None for name in _secrets(oauth, service))
        asked = (oauth.grant, oauth.tokenUrl, oauth.clientId, oauth.audience, oauth.resource, *oauth.scopes)
        return (service.baseUrl, *asked, *names)

    def _entry(self, key: tuple[object, ...]) -> _Held:
        held = self._held.setdefault(key, _Held())
        self._held.move_to_end(key)
        if len(self._held) > HELD:
            self._let_go_of_one(held)
        return held

    def _let_go_of_one(self, besides: _Held) -> None:
        """The oldest that nobody waits for. A refresh token that is nowhere else stays: without it its grant ends."""
        for key, held in self._held.items():
            if held is not besides and held.renewal is None and not held.lock.locked():
                del self._held[key]
                return

    async def _fetch(self, held: _Held, service: HttpService, oauth: OAuth, agent: str, seconds: float) -> None:
        """A new token into `held`. A refresh token that another process used up is read again, once."""
        shown: Credential | None = None
        for last in (False, True):
            form, shown = await self._form(held, oauth, agent)
            answer = await self._ask(service, oauth, agent, form, seconds)
            if answer.status == 200:
                break
            if last or not await self._was_replaced(held, oauth, agent, shown):
                raise _no_token(oauth, answer)
        said = _read(answer)
        now = time.monotonic()
        life = _life(said.get("expires_in"))
        held.version += 1
        held.token = Credential(f"token:{oauth.clientId[:60]}", held.version, said["access_token"])
        held.fetched_at, held.renew_at = now, now + life - min(EARLY_S, life / 5)
        renewal = said.get("refresh_token")
        if oauth.refreshToken is not None and isinstance(renewal, str) and shown and renewal != shown.reveal():
            await self._store(held, self._keyring.name_for(oauth.refreshToken, agent), renewal)

    async def _form(self, held: _Held, oauth: OAuth, agent: str) -> tuple[dict[str, str], Credential | None]:
        """The fields of the request, and the refresh token among them."""
        form: dict[str, str] = {"grant_type": oauth.grant}
        shown: Credential | None = None
        if oauth.grant == "refresh_token":
            shown = held.renewal or await self._keyring.credential(oauth.refreshToken or "", agent)
            form["refresh_token"] = shown.reveal()
        elif oauth.grant == "token_exchange":
            form["grant_type"] = _EXCHANGE
            form |= await self._party("subject", oauth.subjectToken, oauth.subjectTokenType, agent)
            form |= await self._party("actor", oauth.actorToken, oauth.actorTokenType, agent)
        if oauth.scopes:
            form["scope"] = " ".join(oauth.scopes)
        optional = {"audience": oauth.audience, "resource": oauth.resource}
        return form | {name: value for name, value in optional.items() if value}, shown

    async def _party(self, role: str, secret: str | None, kind: str, agent: str) -> dict[str, str]:
        if secret is None:
            return {}
        token = await self._keyring.credential(secret, agent)
        return {f"{role}_token": token.reveal(), f"{role}_token_type": kind}

    async def _ask(
        self, service: HttpService, oauth: OAuth, agent: str, form: Mapping[str, str], seconds: float
    ) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        sent = dict(form)
        if oauth.clientSecret is None:
            sent["client_id"] = oauth.clientId
        else:
            secret = (await self._keyring.credential(oauth.clientSecret, agent)).reveal()
            if oauth.authenticate == "private_key_jwt":
                id, at = new_id("jti"), clock.now()
                signed = client_assertion(oauth.clientId, oauth.tokenUrl, secret, oauth.keyId, id, at)
                sent |= {"client_id": oauth.clientId, "client_assertion_type": TYPE, "client_assertion": signed}
            elif oauth.authenticate == "post":
                sent |= {"client_id": oauth.clientId, "client_secret": secret}
            else:  # RFC 6749, section 2.3.1: both are form-encoded before they are put together
                pair = f"{quote(oauth.clientId, safe='')}:{quote(secret, safe='')}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        endpoint, tls = self._at(service, oauth), await self._tls(service, agent)
        try:
            async with asyncio.timeout(seconds):
                return await endpoint.send(
                    "POST", endpoint.base, headers, urlencode(sent).encode(), Attempt(False, seconds), (), tls
                )
        except TimeoutError:
            raise Unreachable("the authorization server did not answer in time", code="credential.overdue") from None

    def _at(self, service: HttpService, oauth: OAuth) -> Endpoint:
        key = (oauth.tokenUrl, *service.allow)
        if key not in self._endpoints:
            guarded = HttpService(baseUrl=oauth.tokenUrl, allow=service.allow, maxBytes=MAX_TOKEN)
            self._endpoints[key] = self._endpoint(guarded)
        return self._endpoints[key]

    async def _was_replaced(self, held: _Held, oauth: OAuth, agent: str, shown: Credential | None) -> bool:
        """Whether there is a newer refresh token than the one that was refused."""
        if shown is None or oauth.refreshToken is None:
            return False
        if held.renewal is shown:
            held.renewal = None
            return True
        return (await self._keyring.renewed(oauth.refreshToken, agent, shown)).version != shown.version

    async def _store(self, held: _Held, name: str, value: str) -> None:
        """Keep a rotated refresh token, so that a restart and other processes find it."""
        held.renewal = Credential(name, 0, value)
        if self._keep is None:
            return
        try:
            await asyncio.to_thread(self._keep, name, value)
            held.renewal = None
        except AutonomyError as error:
            held.store_at = time.monotonic() + AGAIN_S
            log.error("the renewed token of `%s` is not stored, only remembered: %s", name, error.code)

    async def _store_again(self, held: _Held, oauth: OAuth, agent: str) -> None:
        """Try once more what the store did not take, unless a person has stored another refresh token meanwhile."""
        if held.renewal is None or oauth.refreshToken is None or self._keep is None or time.monotonic() < held.store_at:
            return
        known = await self._keyring.credential(oauth.refreshToken, agent)
        present = await self._keyring.renewed(oauth.refreshToken, agent, known)  # not one of two seconds ago
        if _grant(present) == held.made_from[oauth.refreshToken]:
            await self._store(held, held.renewal.name, held.renewal.reveal())
        else:
            held.token = held.renewal = None


def _secrets(oauth: OAuth, service: HttpService) -> tuple[str | None, ...]:
    """The names of the secrets that a token is made from."""
    return (oauth.clientSecret, oauth.refreshToken, oauth.subjectToken, oauth.actorToken, service.certificate)


def _forget(held: _Held, oauth: OAuth, made_from: dict[str, bytes]) -> None:
    """Let go of what came of secrets that were replaced; a newer refresh token only if it is one of another grant."""
    before, held.made_from, held.token = held.made_from, made_from, None
    if oauth.refreshToken and made_from[oauth.refreshToken] != before.get(oauth.refreshToken):
        held.renewal = None


def _grant(refresh: Credential) -> bytes:
    """What tells the grant of a refresh token from others, however often the system renewed it."""
    return _digest(refresh) if refresh.given is None else str(refresh.given).encode()


def _digest(credential: Credential) -> bytes:
    return hashlib.sha256(credential.reveal().encode()).digest()


def _read(answer: Answer) -> dict[str, Json]:
    try:
        said = canonical.parse((answer.text or "").encode(), max_bytes=MAX_TOKEN)
    except Invalid:
        said = None
    token = said.get("access_token") if isinstance(said, dict) else None
    kind = str(said.get("token_type", "")).lower() if isinstance(said, dict) else ""
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN or kind not in ("bearer", "n_a"):
        raise Unreachable("the authorization server answered without a bearer token", code="credential.answer")
    found: dict[str, Json] = said
    return found


def _life(stated: Json) -> float:
    if isinstance(stated, bool) or not isinstance(stated, (int, float)):
        return ASSUMED_S
    return max(1.0, min(float(stated), 86_400.0))


def _no_token(oauth: OAuth, answer: Answer) -> Refused | Unreachable:
    """The error of a refused token. Of what the server said only its code is shown: the rest may repeat secrets."""
    if not 400 <= answer.status < 500 or answer.status in (408, 425, 429):
        return Unreachable(f"the authorization server answered with status {answer.status}", code="credential.answer")
    try:
        said = canonical.parse((answer.text or "").encode(), max_bytes=MAX_TOKEN)
    except Invalid:
        said = None
    code = said.get("error") if isinstance(said, dict) else None
    shown = code if isinstance(code, str) and _ERROR.fullmatch(code) else f"status {answer.status}"
    return Refused(
        f"the authorization server gives no token to `{oauth.clientId[:60]}`: {shown}",
        code="credential.refused",
        hint="look at the client's secret, its grants and its scopes there",
    )
