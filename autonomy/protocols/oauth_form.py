"""What a token request says (RFC 6749 sections 2.3 and 4.4, RFC 7523 section 2, RFC 8693 section 2.1). Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from autonomy.identity import jose
from autonomy.identity.proof import ActorToken, Secret, SignedAssertion
from autonomy.kernel.errors import Invalid, Unauthenticated

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = (CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE)

CLIENT_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_TOKEN_TYPES = (_ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt")
_REPEATABLE = ("resource", "audience")
MAX_FIELDS = 30


@dataclass(frozen=True, slots=True)
class Foreign:
    """A token that a declared identity provider has to vouch for."""

    token: str = field(repr=False)


Shown = Secret | SignedAssertion | ActorToken | Foreign
"""What a client shows to prove which agent it is."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token asked for. `act_for` names an agent that has delegated to the client; it is our own parameter.

    `subject` is the token to be exchanged, `actor` a second proof of who acts, which must name the same agent.
    """

    proof: Shown
    grant: str
    resources: tuple[str, ...]
    act_for: str | None = None
    subject: str | Foreign | None = field(default=None, repr=False)
    actor: ActorToken | Foreign | None = None


Fields = dict[str, list[str]]


def read_request(body: bytes, authorization: str | None) -> TokenRequest:
    """The request that a form and the header `Authorization` make.

    Raises Invalid (`oauth.invalid_request`, `oauth.unsupported_grant_type`, `oauth.invalid_scope`,
    `oauth.invalid_grant`) and Unauthenticated (`oauth.invalid_client`).
    """
    fields = _fields(body)
    shown = _client(fields, authorization)
    grant = _one(fields, "grant_type")
    if grant not in (JWT_BEARER, TOKEN_EXCHANGE):  # these two may bring their proof with them
        _proof(shown)
    if grant is None:
        raise _invalid("`grant_type` is missing")
    if grant not in GRANTS:
        raise Invalid(f"the grant `{grant[:80]}` is not given here", code="oauth.unsupported_grant_type")
    if _one(fields, "scope"):
        raise Invalid("there are no scopes here: roles decide what an agent may do", code="oauth.invalid_scope")
    resources = tuple(value for name in _REPEATABLE for value in fields.get(name, ()))
    if grant == TOKEN_EXCHANGE:
        actor = _actor(fields)
        return TokenRequest(_proof(shown or actor), grant, resources, None, _subject(fields), actor if shown else None)
    if grant == JWT_BEARER:
        shown = _bearer(fields, shown)
    return TokenRequest(_proof(shown), grant, resources, act_for=_one(fields, "act_for"))


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


def _client(fields: Fields, authorization: str | None) -> Shown | None:
    """How the client authenticates; None where it does not try."""
    client_id, secret, assertion = (_one(fields, name) for name in ("client_id", "client_secret", "client_assertion"))
    if sum(way is not None for way in (authorization, secret, assertion)) > 1:
        raise _invalid("the client authenticates in two ways")
    if authorization is not None:
        found = _basic(authorization)
        if client_id not in (None, found.client_id):
            raise _invalid("header and body name two clients")
        return found
    if assertion is not None:
        if _one(fields, "client_assertion_type") != _ASSERTION_TYPE:
            raise _invalid(f"`client_assertion_type` is not `{_ASSERTION_TYPE}`")
        return _assertion(assertion, client_id)
    return Secret(client_id, secret) if client_id is not None and secret is not None else None


def _assertion(token: str, client_id: str | None = None) -> SignedAssertion | Foreign:
    """A token signed by a key the agent has registered here, whose issuer is then the credential, or by a provider."""
    try:
        issuer = jose.read(token).issuer
    except Unauthenticated as error:
        raise Unauthenticated(error.message, code="oauth.invalid_client") from None
    return SignedAssertion(token, client_id) if issuer.startswith("cred_") else Foreign(token)


def _bearer(fields: Fields, shown: Shown | None) -> Shown:
    """The assertion of the grant itself (RFC 7523 section 2.1); client authentication beside it proves nothing more."""
    token = _one(fields, "assertion")
    if token is None:
        raise _invalid("`assertion` is missing")
    if shown is not None:
        raise _invalid("the assertion itself says who asks: send no other proof")
    try:
        return _assertion(token)
    except Unauthenticated as error:
        raise Invalid(error.message, code="oauth.invalid_grant") from None


def _proof(shown: Shown | None) -> Shown:
    if shown is None:
        raise Unauthenticated("no client credentials were sent", code="oauth.invalid_client")
    return shown


def _basic(authorization: str) -> Secret:
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() == "basic":
            name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
            if colon and name and secret:
                return Secret(unquote_plus(name), unquote_plus(secret))
    except (binascii.Error, ValueError):
        pass
    raise Unauthenticated("the client credentials cannot be read", code="oauth.invalid_client")


def _subject(fields: Fields) -> str | Foreign:
    token, kind = _one(fields, "subject_token"), _one(fields, "subject_token_type")
    if token is None or kind is None:
        raise _invalid("`subject_token` and `subject_token_type` are needed")
    if kind not in _TOKEN_TYPES or _one(fields, "requested_token_type") not in (None, *_TOKEN_TYPES):
        raise _invalid("only access tokens are exchanged, for access tokens")
    return token if kind == _ACCESS_TOKEN else Foreign(token)


def _actor(fields: Fields) -> ActorToken | Foreign | None:
    token, kind = _one(fields, "actor_token"), _one(fields, "actor_token_type")
    if token is None and kind is None:
        return None
    if token is None or kind not in _TOKEN_TYPES:
        raise _invalid("`actor_token` comes with its `actor_token_type`, an access token or a JWT")
    return ActorToken(token) if kind == _ACCESS_TOKEN else Foreign(token)


def _one(fields: Fields, name: str) -> str | None:
    return fields[name][0] if name in fields else None


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="oauth.invalid_request")
