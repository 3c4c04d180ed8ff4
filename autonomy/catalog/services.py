"""Services over HTTP: how they are reached, what is shown to them, and operations of OpenAPI documents."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from .openapi import Document
from .words import ArgumentName, BaseUrl, Duration, Field_, Path, Pointer, SecretName, Strict, Text, exactly_one, fault

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # RFC 8693, section 3; a name, not a secret


class OAuth(Strict):
    """Tokens for a service (RFC 6749): fetched when needed, renewed before they end, kept in memory only."""

    grant: Literal["client_credentials", "refresh_token", "token_exchange"]
    tokenUrl: BaseUrl = Field(description="where tokens are fetched; never taken from a document")
    clientId: Text
    clientSecret: SecretName | None = Field(None, description="the client's secret, or its private key (PEM)")
    authenticate: Literal["basic", "post", "private_key_jwt"] = Field(
        "basic", description="how the client proves itself; `private_key_jwt`: it signs by its private key (RFC 7523)"
    )
    keyId: Text | None = Field(None, description="the `kid` of that key, where the authorization server wants it said")
    scopes: list[Text] = Field([])
    audience: Text | None = None
    resource: BaseUrl | None = Field(None, description="RFC 8707")
    refreshToken: SecretName | None = Field(None, description="for `refresh_token`; a renewed one is stored again")
    subjectToken: SecretName | None = Field(
        None, description="for `token_exchange` (RFC 8693): the token of the person, such as `idp/{sponsor}`"
    )
    subjectTokenType: Text = ACCESS_TOKEN
    actorToken: SecretName | None = Field(None, description="for `token_exchange`: the token of who acts")
    actorTokenType: Text = ACCESS_TOKEN

    @model_validator(mode="after")
    def _has_what_its_grant_needs(self) -> OAuth:
        field = {
            "client_credentials": "clientSecret",
            "refresh_token": "refreshToken",
            "token_exchange": "subjectToken",
        }[self.grant]
        if dict(self)[field] is None:
            raise fault(f"`{self.grant}` needs `{field}`", f"name the secret in `{field}`")
        signs = self.authenticate == "private_key_jwt"
        if signs and self.clientSecret is None:
            raise fault("`private_key_jwt` needs `clientSecret`", "name the secret that holds the private key")
        if self.keyId is not None and not signs:
            raise fault("`keyId` is of a private key", "say `authenticate: private_key_jwt`, or leave it out")
        return self


class HttpService(Strict):
    """What every service over HTTP has. Names of secrets may hold `{agent}`, `{unit}`, `{sponsor}`, `{owner}`."""

    baseUrl: BaseUrl
    credential: SecretName | None = Field(None, description="the secret that is shown; `erp/{agent}`: each agent's own")
    header: str = Field("Authorization", description="the header the credential goes into")
    scheme: str = Field("Bearer", description="what stands before the credential in that header; may be empty")
    oauth: OAuth | None = Field(None, description="shows a token in place of a credential")
    certificate: SecretName | None = Field(
        None, description="secret with a client certificate and its key (PEM), for mutual TLS"
    )
    authorities: SecretName | None = Field(
        None, description="secret with the certificates (PEM) that vouch for the server, in place of the public ones"
    )
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    timeout: Duration = "10s"
    maxBytes: int = Field(1_048_576, ge=1, le=67_108_864)
    traceContext: bool = Field(
        False, description="send `traceparent` and `tracestate`, so that this system continues the trace of an action"
    )

    @model_validator(mode="after")
    def _shows_one_thing(self) -> HttpService:
        if self.credential is not None and self.oauth is not None:
            raise fault("both `credential` and `oauth` are given", "keep one of them")
        return self


class QueryPart(Strict):
    """A query parameter that is more than one argument: exactly one of the three."""

    fixed: str | list[str] | None = Field(None, description="always this; one parameter for each of a list")
    asJson: list[Any] | dict[str, Any] | None = Field(
        None, description="JSON in which `{argument}` is replaced, sent as text"
    )
    asBase64: list[Any] | dict[str, Any] | None = Field(
        None, description="JSON in which `{argument}` is replaced, sent in the URL-safe base64 of RFC 4648"
    )

    @model_validator(mode="after")
    def _one_form(self) -> QueryPart:
        exactly_one(fixed=self.fixed, asJson=self.asJson, asBase64=self.asBase64)
        return self


class HttpRequest(Strict):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path = Field(description="`{argument}` is replaced, percent-encoded")
    query: dict[str, ArgumentName | QueryPart] = Field(
        {}, description="query parameter → argument, or a part of its own"
    )
    body: Literal["arguments", "none"] | dict[str, Any] | list[Any] = Field(
        "none", description="`arguments`: those not used elsewhere; or JSON in which `{argument}` is replaced"
    )
    idempotencyHeader: str | None = None
    rows: Pointer | None = Field(None, description="where the answer's objects are; the whole answer when absent")
    fields: dict[Field_, Pointer] = Field(
        {}, description="what is kept of each object of the answer: name → JSON Pointer; all of it when absent"
    )


class OpenApiConnector(HttpService):
    """Operations of an OpenAPI document, 3.0 or 3.1. Addresses come from here, never from the document."""

    type: Literal["openapi"]
    document: str | dict[str, Any] = Field(
        description="the document itself, or its file in the folder: `documents/crm.json`"
    )
    credentials: dict[str, SecretName] = Field(
        {}, description="security scheme of the document → secret, where one `credential` does not do"
    )

    @cached_property
    def described(self) -> Document:
        """The document, ready to be asked for operations. Raises Invalid (`openapi.*`) where it is none."""
        return Document(self.document if isinstance(self.document, dict) else {})


class Pagination(Strict):
    """How a list goes on. It is read to its end within the bounds; a longer one is an error, never cut short."""

    by: Literal["link", "cursor", "offset", "page"] = Field(
        description="`link`: the header `Link` with `rel=next` (RFC 8288); else a query parameter"
    )
    parameter: Text | None = Field(None, description="query parameter with the cursor, the offset or the page's number")
    items: Pointer = Field("", description="where the list stands in an answer")
    next: Pointer | None = Field(None, description="where the next cursor stands in an answer; for `cursor`")
    start: int = Field(0, ge=0, le=1, description="the first offset, or the first page's number")
    maxPages: int = Field(10, ge=1, le=100)
    maxItems: int = Field(1_000, ge=1, le=10_000)

    @model_validator(mode="after")
    def _says_how(self) -> Pagination:
        if self.by != "link" and self.parameter is None:
            raise fault(f"`{self.by}` needs a `parameter`", "name the query parameter that moves on")
        if self.by == "cursor" and self.next is None:
            raise fault("`cursor` needs `next`", "say where an answer holds the next cursor, such as `/meta/next`")
        return self


class OperationCall(Strict):
    """An operation of the connector's document, with what agents do not decide."""

    id: Text = Field(description="the `operationId`, or `GET /path` where the document gives none")
    fill: dict[str, Literal["action_id", "agent"]] = Field({}, description="argument → what the gate fills in")
    fixed: dict[str, str | int | float | bool] = Field({}, description="argument → its only value")
    idempotencyHeader: str | None = Field(None, description="header with the action's id, where the document has none")
    pagination: Pagination | None = None
