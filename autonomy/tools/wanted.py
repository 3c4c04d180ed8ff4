"""What a service wants to be shown with a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autonomy.catalog.openapi import Operation, Scheme
from autonomy.catalog.services import HttpService, OpenApiConnector
from autonomy.kernel.errors import Invalid


class Wanted(NamedTuple):
    """One thing to show: a secret by its name, or (None) the service's token; in which header and form."""

    secret: str | None
    header: str
    scheme: str
    basic: bool = False


def of_service(service: HttpService) -> tuple[Wanted, ...]:
    """What the service itself declares."""
    if service.credential is None and service.oauth is None:
        return ()
    return (Wanted(service.credential, service.header, service.scheme),)


def of_operation(service: OpenApiConnector, operation: Operation) -> tuple[Wanted, ...]:
    """What an operation wants: the first of its alternatives that the service can show.

    Raises Invalid (`openapi.security`) where it can show none of them.
    """
    if operation.security is None:
        return of_service(service)  # the document does not say
    if not operation.security:
        return ()  # it says that nothing is needed
    ways = [_alternative(service, schemes) for schemes in operation.security]
    shown = [way for way in ways if way is not None]
    if not shown:
        raise Invalid(
            f"the operation `{operation.id[:60]}` wants {_told(operation.security)}",
            code="openapi.security",
            hint="name secrets in `credentials`, or declare `credential`, `oauth` or `certificate`",
        )
    return max(shown, key=len)  # rather with credentials than as a stranger


def _alternative(service: OpenApiConnector, schemes: Sequence[Scheme]) -> tuple[Wanted, ...] | None:
    found = []
    alone = sum(scheme.kind != "certificate" for scheme in schemes) == 1
    for scheme in schemes:
        if scheme.kind == "certificate" and service.certificate is not None:
            continue
        wanted = _one(service, scheme, service.credentials, alone)
        if wanted is None:
            return None
        found.append(wanted)
    return tuple(found)


def _one(service: OpenApiConnector, scheme: Scheme, named: Mapping[str, str], alone: bool) -> Wanted | None:
    if scheme.kind in ("unsupported", "certificate"):
        return None
    if scheme.kind in ("oauth", "bearer") and service.oauth is not None:
        return Wanted(None, "Authorization", "Bearer")
    secret = named.get(scheme.name) or (service.credential if alone else None)
    if secret is None:
        return None
    word = "Bearer" if scheme.kind in ("oauth", "bearer") else ""
    return Wanted(secret, scheme.parameter, word, basic=scheme.kind == "basic")


def _told(alternatives: Sequence[Sequence[Scheme]]) -> str:
    """The schemes of each alternative, and why one is not supported."""
    each = [
        " and ".join(f"`{scheme.name[:40]}`" + (f" ({scheme.told})" if scheme.told else "") for scheme in schemes)
        for schemes in alternatives
    ]
    return " or ".join(filter(None, each)) or "nothing"
