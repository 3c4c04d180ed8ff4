"""Takes out of a log line what must never stand in one. Pure.

Nothing of ours writes a credential down; this is the second wall, for words that came from elsewhere.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_SECRETS = re.compile(
    r"(?P<scheme>\b(?:bearer|basic|dpop)\s+)[\w.~+/=-]{8,}"  # what an authorization header carries
    r"|(?P<url>://[^\s/@:]*:)[^\s@]+(?=@)"  # the password of a URL
    r"|\baos[ikp]?_[\w-]{16,}"  # our own API keys, service keys, sessions and one-time links
    r"|\bsite_[0-9a-z]{26}_[\w-]{16,}"  # the key of a site
    r"|\bwhsec_[\w+/=-]{16,}"  # the key that signs webhooks
    r"|\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*"  # a JSON web token
    r"|(?P<name>\b(?:password|passwd|secret|token|api[_-]?key|client_secret)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{4,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """`text` without what looks like a credential."""
    return _SECRETS.sub(_without, text)


def _without(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["url"] or match["name"] or ""
    return f"{kept}{REDACTED}"
