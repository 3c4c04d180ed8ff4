"""Servers of the Model Context Protocol behind the door, and their tools in the wording that was pinned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from .services import HttpService, OAuth
from .words import (
    BaseUrl,
    Duration,
    Field_,
    Line,
    SecretName,
    ServerTool,
    Strict,
    Variable,
    Wording,
    exactly_one,
    fault,
)


class McpConnector(Strict):
    """A server of the Model Context Protocol: a program that is started here, or a URL."""

    type: Literal["mcp"]
    command: list[Line] | None = Field(None, min_length=1, description="program and arguments, where admitted")
    environment: dict[Variable, Line] = Field({})
    variable: Variable | None = Field(None, description="the variable in which the program gets the credential")
    url: BaseUrl | None = Field(None, description="where it speaks streamable HTTP")
    credential: SecretName | None = Field(
        None, description="the secret that is shown; `desk/{agent}` at a `url`: each agent's own"
    )
    header: str = Field("Authorization", description="the header the credential goes into")
    scheme: str = Field("Bearer", description="what stands before the credential in that header; may be empty")
    oauth: OAuth | None = Field(
        None, description="shows a token in place of a credential; its `resource` is the `url` where it names none"
    )
    certificate: SecretName | None = Field(
        None, description="secret with a client certificate and its key (PEM), for mutual TLS"
    )
    authorities: SecretName | None = Field(
        None, description="secret with the certificates (PEM) that vouch for the server, in place of the public ones"
    )
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    traceContext: bool = Field(
        False, description="send `traceparent` and `tracestate`, so that the server continues the trace of an action"
    )
    believeFor: Duration = Field(
        "0s",
        description="how long what a server at a `url` lists is believed without asking it again; it is asked before "
        "each call where nothing is said",
    )
    timeout: Duration = "30s"
    maxBytes: int = Field(1_048_576, ge=1_024, le=67_108_864)

    @model_validator(mode="after")
    def _one_way(self) -> McpConnector:
        exactly_one(command=self.command, url=self.url)
        if self.command is None and (self.environment or self.variable):
            raise fault("`environment` and `variable` belong to a `command`", "leave them out")
        if self.command and self.credential and not self.variable:
            raise fault("nothing says where the program looks for the credential", "name it in `variable`")
        if self.command and (self.oauth or self.certificate or self.authorities):
            raise fault("`oauth`, `certificate` and `authorities` belong to a `url`", "leave them out")
        if self.command and "{" in (self.credential or ""):
            raise fault("one program serves all agents, with one credential", "leave out what stands in braces")
        if self.credential is not None and self.oauth is not None:
            raise fault("both `credential` and `oauth` are given", "keep one of them")
        return self

    @property
    def service(self) -> HttpService | None:
        """The server as a service over HTTP; none where it is a program."""
        if self.url is None:
            return None
        oauth = self.oauth
        if oauth is not None and oauth.resource is None:
            # A token for this server and no other (RFC 8707), as the authorization of MCP asks of clients.
            oauth = oauth.model_copy(update={"resource": self.url})
        return HttpService(
            baseUrl=self.url,
            credential=self.credential,
            header=self.header,
            scheme=self.scheme,
            oauth=oauth,
            certificate=self.certificate,
            authorities=self.authorities,
            allow=self.allow,
            maxBytes=self.maxBytes,
        )


class McpTool(Strict):
    """A tool of an MCP server, in the wording that was looked at when it was declared."""

    name: ServerTool
    wording: Wording = Field(description="digest of the server's definition, as `autonomy tool import mcp` writes it")
    arguments: dict[str, Field_] | None = Field(None, description="its argument → ours, `action_id` or `agent`")
