"""What a token of somebody else must say before it counts here (RFC 7519, RFC 7523 section 3). Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import DAY, MINUTE, SECOND

from .jose import refused

LEEWAY = 30 * SECOND
LONGEST = DAY
"""How far ahead a token may end: what is good for longer is a password in another form."""

MAX_TOKEN_ID = 512


@dataclass(frozen=True, slots=True)
class Times:
    """When a token holds, in milliseconds."""

    expires_at: int
    issued_at: int | None


def check_times(claims: Mapping[str, Json], at: int, longest: int = LONGEST) -> Times:
    """When the token ends and began. Raises Unauthenticated (`assertion.invalid`, `.expired`, `.early`)."""
    expires, begun, not_before = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise refused("it does not say when it ends")
    if at >= expires + LEEWAY:
        raise refused("it has expired", "expired")
    if max(begun or 0, not_before or 0) > at + LEEWAY:
        raise refused("it is not valid yet", "early")
    if expires - at > longest + LEEWAY:
        raise refused(f"it holds for more than {longest // MINUTE} minutes")
    return Times(expires, begun)


def check_audience(claims: Mapping[str, Json], accepted: Collection[str]) -> None:
    """Raise Unauthenticated (`assertion.audience`) unless the one audience of the token is among `accepted`."""
    said = claims.get("aud")
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, str) or said not in accepted:
        raise refused("it is meant for another audience", "audience")


def subject_of(claims: Mapping[str, Json], name: str = "sub") -> str:
    """The claim that says whom the token is about. Raises Unauthenticated (`assertion.invalid`)."""
    said = claims.get(name)
    if not isinstance(said, str) or not said or not said.isprintable():
        raise refused("it does not say whom it is about")
    return said


def token_id(claims: Mapping[str, Json]) -> str | None:
    """The `jti` of the token; None where it has none. Raises Unauthenticated (`assertion.invalid`)."""
    said = claims.get("jti")
    if said is not None and (not isinstance(said, str) or not 0 < len(said) <= MAX_TOKEN_ID):
        raise refused("its id is none")
    return said


def holds(claims: Mapping[str, Json], wanted: Mapping[str, str]) -> bool:
    """Whether each claim in `wanted` is there and says exactly that; `a.b` is `b` inside `a`."""
    return all(_at(claims, name) == value for name, value in wanted.items())


def _at(claims: Mapping[str, Json], name: str) -> Json:
    """The claim at a path. A name may hold dots itself, as `kubernetes.io` does: the shortest there is leads on."""
    if name in claims:
        return claims[name]
    parts = name.split(".")
    for length in range(1, len(parts)):
        inner = claims.get(".".join(parts[:length]))
        if isinstance(inner, Mapping):
            return _at(inner, ".".join(parts[length:]))
    return None


def _instant(claims: Mapping[str, Json], name: str) -> int | None:
    said = claims.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or said < 0:
        raise refused(f"its `{name}` is no time")
    return int(said * 1_000)
