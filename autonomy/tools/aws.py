"""Secrets of AWS Secrets Manager: `aws:prod/crm` is a whole secret, `aws:prod/crm#token` a field of a JSON one.

Spoken directly, over the guarded endpoint: the AWS library would open its own sockets and weigh more than this server.
Who we are there comes from the environment, as AWS's own tools have it: keys, a web identity (EKS), or a container's
credentials (ECS, EKS).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

from autonomy.catalog.services import HttpService
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Invalid, NotFound, Unavailable

from .attempt import Attempt
from .credential import Credential
from .sigv4 import signed
from .ssrf import DEFAULT_PORTS, Target

if TYPE_CHECKING:
    from .endpoint import Answer, Endpoint

Open = Callable[[HttpService], "Endpoint"]

FRESH_S = 60.0  # every look costs money; a rotated secret is read again at once where a service refuses the old one
SECONDS = 5.0
EARLY = 300_000  # milliseconds before our own keys end they are fetched again
MAX_ANSWER = 131_072  # bytes; a secret has at most 65,536
MAX_FILE = 65_536

_CONTAINER = "http://169.254.170.2"
_HOSTS = {"169.254.170.2", "169.254.170.23", "127.0.0.1"}  # where AWS puts a container's credentials
_ELEMENT = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration)>([^<]{1,16384})</\1>")
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"}


class Keys(NamedTuple):
    """Who we are at AWS, until when (milliseconds; 0: for ever)."""

    id: str
    secret: Credential
    session: Credential | None
    until: int


class AwsSecrets:
    """A store of secrets (`SecretProvider`). `environment` says who we are there and, as for AWS's own tools, where a
    private endpoint is; `allow` are the address ranges of private endpoints."""

    fresh_s = FRESH_S

    def __init__(
        self, open_: Open, region: str, environment: Mapping[str, str], clock: Clock, allow: Sequence[str] = ()
    ) -> None:
        self._open = open_
        self._region = region
        self._environment = environment
        self._clock = clock
        self._allow = list(allow)
        self._endpoints: dict[str, Endpoint] = {}
        self._keys: Keys | None = None
        self._lock = asyncio.Lock()

    async def reveal(self, name: str) -> Credential:
        """The secret in its present version. Raises NotFound, Invalid (`secret.value`), Unavailable."""
        wanted, _, field = name.partition("#")
        answer = await self._get(wanted)
        if answer.status != 200 and _kind(answer) in _EXPIRED:
            self._keys = None
            answer = await self._get(wanted)
        if answer.status != 200:
            raise _failed(wanted, answer)
        said = _json(answer)
        value = said.get("SecretString")
        if not isinstance(value, str):
            raise Invalid(f"the secret `aws:{wanted}` is no text", code="secret.value", hint="store it as text")
        version = int(hashlib.sha256(str(said.get("VersionId")).encode()).hexdigest()[:12], 16)
        return Credential(f"aws:{name}", version, _field(name, value, field) if field else value)

    async def close(self) -> None:
        for endpoint in self._endpoints.values():
            await endpoint.close()

    async def _get(self, wanted: str) -> Answer:
        keys = await self._who()
        endpoint = self._at("secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER")
        body = json.dumps({"SecretId": wanted}).encode()
        headers = {
            "Host": _host(endpoint.base),
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "secretsmanager.GetSecretValue",
        }
        if keys.session is not None:
            headers["X-Amz-Security-Token"] = keys.session.reveal()
        shown = signed(headers, body, self._clock(), self._region, "secretsmanager", keys.id, keys.secret.reveal())
        return await _post(endpoint, shown, body)

    async def _who(self) -> Keys:
        async with self._lock:
            if self._keys is None or (self._keys.until and self._clock() > self._keys.until - EARLY):
                self._keys = await self._fetched()
            return self._keys

    async def _fetched(self) -> Keys:
        given = self._environment
        if "AWS_ACCESS_KEY_ID" in given and "AWS_SECRET_ACCESS_KEY" in given:
            return _keys(given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given.get("AWS_SESSION_TOKEN"), 0)
        if "AWS_WEB_IDENTITY_TOKEN_FILE" in given and "AWS_ROLE_ARN" in given:
            return await self._by_web_identity()
        if "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" in given or "AWS_CONTAINER_CREDENTIALS_FULL_URI" in given:
            return await self._by_container()
        raise Unavailable(
            "nothing says who this server is at AWS",
            code="secret.provider",
            hint="set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or give its pod or task a role",
        )

    async def _by_web_identity(self) -> Keys:
        """AWS STS, AssumeRoleWithWebIdentity: the token of the pod's service account becomes keys."""
        token = await asyncio.to_thread(_read_file, self._environment["AWS_WEB_IDENTITY_TOKEN_FILE"])
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": self._environment["AWS_ROLE_ARN"],
            "RoleSessionName": self._environment.get("AWS_ROLE_SESSION_NAME", "autonomy"),
            "WebIdentityToken": token,
        }
        endpoint = self._at("sts", "AWS_ENDPOINT_URL_STS")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await _post(endpoint, headers, urlencode(form).encode())
        found = dict(_ELEMENT.findall(answer.text or "")) if answer.status == 200 else {}
        if not {"AccessKeyId", "SecretAccessKey", "SessionToken"} <= found.keys():
            raise _unknown_here(f"the web identity is refused with status {answer.status}")
        return _keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], self._soon())

    async def _by_container(self) -> Keys:
        given = self._environment
        relative = given.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = f"{_CONTAINER}{relative}" if relative else given["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        host = urlsplit(url).hostname or ""
        if host not in _HOSTS:
            raise _unknown_here("a container's credentials are not at an address that AWS uses")
        endpoint = self._opened(url, [f"{host}/32"])
        answer = await _send(endpoint, "GET", endpoint.base, await self._token_of_container(), None)
        found = _json(answer) if answer.status == 200 else {}
        if not {"AccessKeyId", "SecretAccessKey", "Token"} <= found.keys():
            raise _unknown_here(f"the container's credentials are refused with status {answer.status}")
        return _keys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"], self._soon())

    async def _token_of_container(self) -> dict[str, str]:
        given = self._environment
        if "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" in given:
            return {
                "Authorization": await asyncio.to_thread(_read_file, given["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
            }
        token = given.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        return {"Authorization": token} if token else {}

    def _soon(self) -> int:
        """Keys of a role live an hour or more; they are fetched again well before."""
        return self._clock() + 1_800_000

    def _at(self, service: str, variable: str) -> Endpoint:
        """A service of AWS in our region, or where the environment says it is."""
        url = self._environment.get(variable) or f"https://{service}.{self._region}.amazonaws.com"
        return self._opened(url, self._allow)

    def _opened(self, url: str, allow: list[str]) -> Endpoint:
        if url not in self._endpoints:
            self._endpoints[url] = self._open(HttpService(baseUrl=url, allow=allow, maxBytes=MAX_ANSWER))
        return self._endpoints[url]


def _keys(key_id: str, secret: str, session: str | None, until: int) -> Keys:
    hidden = Credential("aws session token", 1, session) if session else None
    return Keys(key_id, Credential("aws secret access key", 1, secret), hidden, until)


async def _post(endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Answer:
    return await _send(endpoint, "POST", endpoint.base._replace(path="/"), headers, body)


async def _send(
    endpoint: Endpoint, method: str, target: Target, headers: Mapping[str, str], body: bytes | None
) -> Answer:
    try:
        async with asyncio.timeout(SECONDS):
            return await endpoint.send(method, target, headers, body, Attempt(False, SECONDS))
    except TimeoutError:
        raise Unavailable("AWS did not answer in time", code="secret.provider") from None


def _host(base: Target) -> str:
    return base.host if base.port == DEFAULT_PORTS[base.scheme] else f"{base.host}:{base.port}"


def _json(answer: Answer) -> dict[str, Json]:
    """What AWS said. Raises Unavailable where that is no object."""
    try:
        said = canonical.parse((answer.text or "").encode(), max_bytes=MAX_ANSWER * 4)
    except Invalid:
        said = None
    if not isinstance(said, dict):
        raise Unavailable("AWS answered with something unreadable", code="secret.provider")
    return said


def _kind(answer: Answer) -> str:
    """The kind of an error, such as `ResourceNotFoundException`; never its message, which may repeat anything."""
    try:
        said = _json(answer)
    except Unavailable:
        return f"status {answer.status}"
    kind = str(said.get("__type", "")).rpartition("#")[2]
    return kind if re.fullmatch(r"[A-Za-z]{1,60}", kind) else f"status {answer.status}"


def _failed(wanted: str, answer: Answer) -> NotFound | Unavailable:
    kind = _kind(answer)
    if kind == "ResourceNotFoundException":
        return NotFound(f"AWS has no secret `{wanted[:80]}`", code="secret.unknown", hint="create it there")
    return Unavailable(f"AWS does not give the secret `{wanted[:80]}`: {kind}", code="secret.provider")


def _unknown_here(why: str) -> Unavailable:
    return Unavailable(why, code="secret.provider", hint="look at the role of this server's pod or task")


def _field(name: str, value: str, field: str) -> str:
    try:
        said = canonical.parse(value.encode())
    except Invalid:
        said = None
    found = said.get(field) if isinstance(said, dict) else None
    if not isinstance(found, str) or not found:
        raise Invalid(f"the secret `aws:{name[:80]}` has no such field", code="secret.value", hint="look at its JSON")
    return found


def _read_file(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(MAX_FILE).strip()
    except (OSError, UnicodeDecodeError):
        raise _unknown_here("the file with this server's token cannot be read") from None
