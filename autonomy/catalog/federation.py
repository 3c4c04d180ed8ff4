"""Whose word from outside counts, said once and by who may say it. Pure: an organisation in, problems out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from .identity_provider import FederatedIdentity, IdentityProviderSpec
from .model import AgentSpec, PersonSpec
from .organisation import Organisation, Revision, spec
from .problem import Problem, about


def providers(organisation: Organisation) -> Iterator[Problem]:
    """Only the root unit lets somebody else say who people are; each issuer stands once, where it must prove itself."""
    root = organisation.root.name
    issuers: dict[str, str] = {}
    for provider in organisation.all("IdentityProvider").values():
        said = spec(provider, IdentityProviderSpec)
        if provider.unit != root:
            hint = f"declare it in `{root}`"
            yield about(provider, "metadata.unit", "only the root unit declares identity providers", hint)
        if not is_trustworthy(said.issuer):
            hint = "write `https://HOST`, without query or fragment; `http` is for loopback only"
            yield about(provider, "spec.issuer", f"`{said.issuer}` is no issuer to be trusted", hint)
        first = issuers.setdefault(said.issuer, provider.name)
        if first != provider.name:
            yield about(provider, "spec.issuer", f"`{first}` is this issuer already", "declare each issuer once")


def accounts(organisation: Organisation) -> Iterator[Problem]:
    """One SCIM account is one person, one workload outside is one agent."""
    yield from _twice(organisation, "Person", "spec.userName", _user_names)
    yield from _owners(organisation)
    yield from _twice(organisation, "Agent", "spec.federated", _workloads)


def account_provider(organisation: Organisation, person: PersonSpec) -> str | None:
    """The identity provider that may say who `person` is: the one that is named, or the only one there is."""
    known = organisation.all("IdentityProvider")
    return person.provider or (next(iter(known)) if person.userName and len(known) == 1 else None)


def is_trustworthy(url: str) -> bool:
    """Whether who answers at `url` has to prove who it is (https), or is this machine; without query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def workload_key(identity: FederatedIdentity) -> str:
    """One text for each workload, the same for the same."""
    return json.dumps([identity.provider, identity.subject, sorted(identity.claims.items())], ensure_ascii=False)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _twice(
    organisation: Organisation, kind: str, field: str, keys: Callable[[Revision], list[str]]
) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for revision in organisation.all(kind).values():
        for key in keys(revision):
            owner = owners.setdefault(key, revision.name)
            if owner != revision.name:
                message = f"the {kind.lower()} `{owner}` says the same"
                yield about(revision, field, message, "let it belong to one of them")


def _owners(organisation: Organisation) -> Iterator[Problem]:
    """Were any provider's word enough, one of them could say who the people of another one are."""
    known = organisation.all("IdentityProvider")
    for person in organisation.all("Person").values():
        said = spec(person, PersonSpec)
        if said.provider is not None and said.provider not in known:
            hint = f"declared are: {', '.join(sorted(known)) or 'none'}"
            yield about(person, "spec.provider", f"there is no identity provider `{said.provider}`", hint)
        elif said.userName is not None and said.provider is None and len(known) > 1:
            yield about(
                person,
                "spec.provider",
                f"{len(known)} identity providers are declared, and any of them could say that this is theirs",
                "name the one whose account it is",
            )


def _user_names(person: Revision) -> list[str]:
    name = spec(person, PersonSpec).userName
    return [name.casefold()] if name else []


def _workloads(agent: Revision) -> list[str]:
    return [workload_key(each) for each in spec(agent, AgentSpec).federated]
