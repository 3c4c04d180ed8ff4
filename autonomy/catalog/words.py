"""The words every manifest is made of: names, durations, amounts, and what each of their patterns asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$")]
"""Lower case letters, digits, `-`, `_`, `.`; 1 to 63 characters."""

Field_ = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_.-]+(\.\*)?)$")]
"""A tool's name, `prefix.*`, or `*`."""

Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(ms|s|m|h|d)$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}(\.[0-9]{1,6})?( [A-Z]{3})?$")]

Share = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]?|100)%$")]

Text = Annotated[str, StringConstraints(pattern=r"\S")]
"""Words for people; not blank."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Rate = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
TrustDomain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,255}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]
BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://")]
Path = Annotated[str, StringConstraints(pattern=r"^/")]
ArgumentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
"""An argument of a tool, as its schema calls it."""

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)*$", max_length=200)]
"""A JSON Pointer (RFC 6901); the empty one is the whole."""

Line = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4096)]
"""A word of a command line, or the value of a variable."""

SocketFolder = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]{0,90}$")]
"""A folder of Unix sockets; its path and the socket's name fit into an address of one (107 bytes)."""

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
"""The name of an environment variable."""

EventType = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,40}(\.[A-Za-z0-9_]{1,40}){0,5}$")]
Recipients = Annotated[str, StringConstraints(pattern=r"^([^@\s*,<>]+|\*)@[A-Za-z0-9.-]+$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,7}$")]
"""Where a value stands in a JSON object: `data.order.id`."""

Wording = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ServerTool = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
"""A tool as its MCP server calls it."""

SecretName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9{]([a-z0-9_.{}-]{0,61}[a-z0-9}])?(/[a-z0-9{]([a-z0-9_.{}-]{0,61}[a-z0-9}])?)?"
        r"|[a-z]{2,16}:[A-Za-z0-9/_+=.@{}-]{1,256}(#[A-Za-z0-9_.-]{1,63})?)$"
    ),
]
"""A secret: `crm-token` or `erp/{agent}` in our own store, `aws:prod/crm#token` in another one."""

SharedSecret = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?(/[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?)?"
        r"|[a-z]{2,16}:[A-Za-z0-9/_+=.@-]{1,256}(#[A-Za-z0-9_.-]{1,63})?)$"
    ),
]
"""A secret that is the same for every agent."""

FORMS = {
    r"^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$": "a name: 1 to 63 lower case letters, digits, `-`, `_`, `.`",
    r"^[a-z_][a-z0-9_]{0,62}$": "a field: lower case letters, digits, `_`",
    r"^(\*|[a-z0-9_.-]+(\.\*)?)$": "a tool's name, `prefix.*`, or `*`",
    r"^[0-9]{1,9}(ms|s|m|h|d)$": "a duration such as `500ms`, `10s`, `5m`, `24h`, `7d`",
    r"^[0-9]{1,15}(\.[0-9]{1,6})?( [A-Z]{3})?$": "an amount of money such as `1200.00 EUR`",
    r"^([1-9][0-9]?|100)%$": "a share from `1%` to `100%`",
    r"\S": "words, not blanks",
    r"^[A-Z]{3}$": "a currency code such as `EUR` (ISO 4217)",
    r"^[0-9]{1,9}(\.[0-9]{1,9})?$": 'a decimal number in quotes, such as `"0.92"`',
    r"^[a-z0-9.-]{1,255}$": "a trust domain such as `example.com`",
    r"^[^@\s]+@[^@\s]+$": "an e-mail address",
    r"^https?://": "an `http://` or `https://` URL",
    r"^/": "a path that begins with `/`",
    r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$": "the name of an argument: letters, digits, `_`, `-`",
    r"^(/([^~/]|~[01])*)*$": "a JSON Pointer such as `/party/name`",
    r"^([a-z0-9{]([a-z0-9_.{}-]{0,61}[a-z0-9}])?(/[a-z0-9{]([a-z0-9_.{}-]{0,61}[a-z0-9}])?)?"
    r"|[a-z]{2,16}:[A-Za-z0-9/_+=.@{}-]{1,256}(#[A-Za-z0-9_.-]{1,63})?)$": (
        "the name of a secret such as `crm-token`, `erp/{agent}` or `aws:prod/crm#token`"
    ),
    r"^([a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?(/[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?)?"
    r"|[a-z]{2,16}:[A-Za-z0-9/_+=.@-]{1,256}(#[A-Za-z0-9_.-]{1,63})?)$": (
        "the name of a secret such as `crm-key` or `aws:prod/crm#key`, the same for every agent"
    ),
    r"^[^\x00]*$": "a text without NUL",
    r"^/[A-Za-z0-9._/-]{0,90}$": "a folder such as `/run/postgresql`: letters, digits, `.`, `_`, `-`, `/`",
    r"^[A-Za-z_][A-Za-z0-9_]{0,127}$": "the name of an environment variable",
    r"^[A-Za-z0-9_]{1,40}(\.[A-Za-z0-9_]{1,40}){0,5}$": "an event's type such as `invoice.approved`",
    r"^([^@\s*,<>]+|\*)@[A-Za-z0-9.-]+$": "an address, or everybody of a domain as `*@example.com`",
    r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,7}$": "where a value stands, such as `data.order`",
    r"^[0-9a-f]{64}$": "a wording as `autonomy tool import mcp` writes it: 64 hexadecimal digits",
    r"^[!-~]{1,128}$": "the name of a tool: 1 to 128 printable ASCII characters",
}
"""What each pattern above asks for, in the words of an error message."""

Access = Literal["admin", "approver", "auditor", "supervisor", "viewer"]


class Strict(BaseModel):
    """A part of a manifest: unknown fields are errors, values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def fault(message: str, hint: str) -> PydanticCustomError:
    """A fault of several fields together. Plain text: braces would be read as placeholders."""
    return PydanticCustomError("fault", "{message}", {"message": message, "hint": hint})


def exactly_one(**given: object) -> None:
    """Raise a fault unless one of the fields is given, and only one."""
    names = ", ".join(f"`{name}`" for name in given)
    found = [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        said = "none" if not found else " and ".join(f"`{name}`" for name in found)
        raise fault(f"exactly one of {names} is needed; given is {said}", "keep one of them")
