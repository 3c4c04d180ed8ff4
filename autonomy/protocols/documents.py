"""The public documents by which clients find their way to a token. Pure: they follow from how the server is known."""

from __future__ import annotations

from typing import Any

import msgspec

from autonomy.identity.jose import ALGORITHMS

from .asgi import Answer, Header
from .oauth_form import CLIENT_METHODS, GRANTS
from .site import Site

WELL_KNOWN = "/.well-known/"
MAX_AGE: Header = (b"cache-control", b"public, max-age=60")  # clients look again soon after a change


def documents(site: Site) -> dict[str, Answer]:
    """Every document by its path. A path of the site's own URL stands behind the name, and works without, too."""
    whole = document(protected_resource(site, site.url))
    server, authzen = document(authorization_server(site)), document(decision_point(site))
    return {
        f"{WELL_KNOWN}oauth-protected-resource": whole,
        f"{WELL_KNOWN}oauth-protected-resource{site.path}": whole,
        f"{WELL_KNOWN}oauth-protected-resource{site.path}/mcp": document(protected_resource(site, site.mcp)),
        f"{WELL_KNOWN}oauth-authorization-server": server,
        f"{WELL_KNOWN}oauth-authorization-server{site.path}": server,
        f"{WELL_KNOWN}authzen-configuration": authzen,
        f"{WELL_KNOWN}authzen-configuration{site.path}": authzen,
    }


def protected_resource(site: Site, resource: str) -> dict[str, Any]:
    """Protected resource metadata (RFC 9728)."""
    return {
        "resource": resource,
        "resource_name": "Autonomy OS",
        "authorization_servers": [site.url],
        "bearer_methods_supported": ["header"],
    }


def authorization_server(site: Site) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414)."""
    return {
        "issuer": site.url,
        "token_endpoint": f"{site.url}/oauth/token",
        # Not required for these grants, but common clients read no metadata without it.
        "authorization_endpoint": f"{site.url}/oauth/authorize",
        "jwks_uri": f"{site.url}/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": list(CLIENT_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }


def decision_point(site: Site) -> dict[str, Any]:
    """Metadata of the policy decision point (AuthZEN Authorization API 1.0 section 9)."""
    return {
        "policy_decision_point": site.url,
        "access_evaluation_endpoint": f"{site.url}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{site.url}/access/v1/evaluations",
    }


def document(value: object) -> Answer:
    """A public answer that caches may keep for a minute."""
    return Answer(200, msgspec.json.encode(value), (MAX_AGE,))
