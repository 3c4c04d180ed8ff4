"""What a token request says (RFC 6749 sections 2.3 and 4.4, RFC 8693 section 2.1). Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from autonomy.kernel.errors import Invalid, Unauthenticated

CLIENT_CREDENTIALS = "client_credentials"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = (CLIENT_CREDENTIALS, TOKEN_EXCHANGE)

_TOKEN_TYPES = ("urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt")
_REPEATABLE = ("resource", "audience")
MAX_FIELDS = 30


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token asked for. `act_for` names an agent that has delegated to the client; it is our own parameter."""

    client_id: str
    secret: str = field(repr=False)
    grant: str
    resources: tuple[str, ...]
    act_for: str | None = None
    subject_token: str | None = field(default=None, repr=False)


Fields = dict[str, list[str]]


def read_request(body: bytes, authorization: str | None) -> TokenRequest:
    """The request that a form and the header `Authorization` make.

    Raises Invalid (`oauth.invalid_request`, `oauth.unsupported_grant_type`, `oauth.invalid_scope`) and Unauthenticated
    (`oauth.invalid_client`).
    """
    fields = _fields(body)
    client_id, secret = _client(fields, authorization)
    grant = _one(fields, "grant_type")
    if grant is None:
        raise _invalid("`grant_type` is missing")
    if grant not in GRANTS:
        raise Invalid(f"the grant `{grant[:80]}` is not given here", code="oauth.unsupported_grant_type")
    if _one(fields, "scope"):
        raise Invalid("there are no scopes here: roles decide what an agent may do", code="oauth.invalid_scope")
    resources = tuple(value for name in _REPEATABLE for value in fields.get(name, ()))
    if grant == CLIENT_CREDENTIALS:
        return TokenRequest(client_id, secret, grant, resources, act_for=_one(fields, "act_for"))
    return TokenRequest(client_id, secret, grant, resources, subject_token=_subject(fields))


def _fields(body: bytes) -> Fields:
    """The form's fields; one without a value counts as absent."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _invalid("the body is no form") from None
    found: Fields = {}
    for name, value in pairs:
        if value:
            found.setdefault(name, []).append(value)
    for name, values in found.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise _invalid(f"`{name[:80]}` stands twice")
    return found


def _client(fields: Fields, authorization: str | None) -> tuple[str, str]:
    client_id, secret = _one(fields, "client_id"), _one(fields, "client_secret")
    if authorization is None:
        if client_id is None or secret is None:
            raise Unauthenticated("no client credentials were sent", code="oauth.invalid_client")
        return client_id, secret
    if secret is not None:
        raise _invalid("the client authenticates in two ways")
    named, proof = _basic(authorization)
    if client_id not in (None, named):
        raise _invalid("header and body name two clients")
    return named, proof


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() == "basic":
            name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
            if colon and name and secret:
                return unquote_plus(name), unquote_plus(secret)
    except (binascii.Error, ValueError):
        pass
    raise Unauthenticated("the client credentials cannot be read", code="oauth.invalid_client")


def _subject(fields: Fields) -> str:
    token, kind = _one(fields, "subject_token"), _one(fields, "subject_token_type")
    if token is None or kind is None:
        raise _invalid("`subject_token` and `subject_token_type` are needed")
    if kind not in _TOKEN_TYPES or _one(fields, "requested_token_type") not in (None, *_TOKEN_TYPES):
        raise _invalid("only access tokens are exchanged, for access tokens")
    if "actor_token" in fields or "actor_token_type" in fields:
        raise _invalid("the client itself is the actor; send no `actor_token`")
    return token


def _one(fields: Fields, name: str) -> str | None:
    return fields[name][0] if name in fields else None


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="oauth.invalid_request")
