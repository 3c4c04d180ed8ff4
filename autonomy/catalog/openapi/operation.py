"""One operation of a document, in the words of tools: its arguments and how each is sent. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

Where = Literal["path", "query", "header"]
Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]
"""How a value is written (OpenAPI 3.1, section 4.8.12); `json` for parameters whose content is JSON."""

SchemeKind = Literal["header", "bearer", "basic", "oauth", "certificate", "unsupported"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: `argument` is its name among the tool's arguments, `name` its name at the service."""

    argument: str
    name: str
    where: Where
    style: Style
    explode: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body: an object of arguments (`fields`: argument → field), or one argument that is all of it."""

    media: str
    required: bool
    fields: Mapping[str, str] = field(default_factory=dict)
    argument: str | None = None

    @property
    def arguments(self) -> frozenset[str]:
        """The arguments that go into it."""
        return frozenset(self.fields) if self.argument is None else frozenset({self.argument})


@dataclass(frozen=True, slots=True)
class Scheme:
    """A security scheme. `parameter` is the header of an API key; `told` says why one is not supported."""

    name: str
    kind: SchemeKind
    parameter: str = ""
    told: str = ""


@dataclass(frozen=True)
class Operation:
    """What can be asked for. `security` are alternatives, each of schemes that go together; None: nothing is said."""

    id: str
    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    security: tuple[tuple[Scheme, ...], ...] | None
    input: Mapping[str, Json]
    deprecated: bool = False

    @property
    def reads(self) -> bool:
        """Whether its method changes nothing (RFC 9110, section 9.2.1)."""
        return self.method == "GET"

    @property
    def arguments(self) -> frozenset[str]:
        """Every argument it takes."""
        return frozenset(one.argument for one in self.parameters) | (self.body.arguments if self.body else frozenset())

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.input.get("required", ()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything of it that is shown to agents or decides what is sent, hexadecimal."""
        sent = [
            [one.argument, one.name, one.where, one.style, one.explode, one.required]
            for one in sorted(self.parameters, key=lambda one: one.argument)
        ]
        body = None
        if self.body is not None:
            body = [self.body.media, self.body.required, dict(self.body.fields), self.body.argument]
        security = None
        if self.security is not None:
            security = [[[one.name, one.kind, one.parameter] for one in schemes] for schemes in self.security]
        return canonical.digest([self.method, self.path, self.summary, sent, body, security, dict(self.input)])
