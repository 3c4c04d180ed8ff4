"""What must hold between us and an identity provider (OpenID Connect Core 1.0, RFC 7636, RFC 9207). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from autonomy.catalog.federation import is_trustworthy
from autonomy.catalog.identity_provider import SignIn
from autonomy.identity import jose
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Unauthenticated

from .errors import lost, misunderstood
from .model import Metadata, Pending

HOME = "/"
MAX_FOLLOWING = 512

_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def read_metadata(found: Mapping[str, Json], issuer: str) -> Metadata:
    """The discovery document of `issuer`. Raises Unavailable (`sign_on.provider`) where it is somebody else's."""
    if found.get("issuer") != issuer:
        raise misunderstood("its discovery document names another issuer")
    return Metadata(
        jwks_uri=_address(found, "jwks_uri"),
        authorization_endpoint=_address(found, "authorization_endpoint"),
        token_endpoint=_address(found, "token_endpoint"),
        userinfo_endpoint=_address(found, "userinfo_endpoint"),
        says_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def authorization_url(metadata: Metadata, said: SignIn, pending: Pending, redirect: str) -> str:
    """Where the browser is sent (OpenID Connect Core section 3.1.2.1, with PKCE)."""
    asked = {
        "response_type": "code",
        "client_id": said.clientId,
        "redirect_uri": redirect,
        "scope": " ".join(said.scopes),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge_of(pending.verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"


def check_answer(answer: Mapping[str, str], pending: Pending, issuer: str, says_issuer: bool, at: int) -> str:
    """The code in what the browser brings back. Raises Invalid (`sign_on.state`), Unauthenticated (`sign_on.refused`).

    The state binds it to the browser that began, the issuer (RFC 9207) to the provider that was asked.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()) or at >= pending.expires_at:
        raise lost()
    named = answer.get("iss")
    if named != issuer and (says_issuer or named is not None):
        raise Unauthenticated("another identity provider has answered", code="sign_on.refused")
    if "error" in answer:
        raise Unauthenticated("the identity provider has refused", code="sign_on.refused", hint="try again there")
    code = answer.get("code", "")
    if not code:
        raise lost()
    return code


def check_id_token(claims: Mapping[str, Json], issuer: str, client_id: str, nonce: str) -> None:
    """Raise Unauthenticated unless this ID token was made by `issuer` for us, now (OpenID Connect Core 3.1.3.7)."""
    if claims.get("iss") != issuer:
        raise jose.refused("another has issued it")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise jose.refused("it is meant for another audience", "audience")
    if claims.get("azp", client_id) != client_id:
        raise jose.refused("it is meant for another audience", "audience")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise jose.refused("it answers another question")


def groups_in(claims: Mapping[str, Json], name: str) -> list[str] | None:
    """The groups that the claim `name` lists; None where there is no such claim. What is no list of words is none."""
    said = claims.get(name)
    if said is None:
        return None
    listed = said if isinstance(said, list) else [said]
    return sorted({each for each in listed if isinstance(each, str)})


def following(path: str) -> str:
    """Where to go after signing on: a path of ours, else the console."""
    return path if len(path) <= MAX_FOLLOWING and _PATH.fullmatch(path) else HOME


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_answered(challenge: str, verifier: str) -> bool:
    """Whether `verifier` is the one that `challenge` was made of."""
    return bool(_VERIFIER.fullmatch(verifier)) and hmac.compare_digest(challenge, challenge_of(verifier))


def _address(found: Mapping[str, Json], name: str) -> str:
    """An address a provider names; empty where it names none."""
    said = found.get(name)
    if said is None:
        return ""
    if not isinstance(said, str) or not is_trustworthy(said.partition("?")[0]):
        raise misunderstood(f"its `{name}` is no https address")
    return said
