"""How this server is known: its URL, the web pages that may call it.

Everything is built from the configured URL; the `Host` header of a request is never used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from autonomy.kernel.errors import Invalid


@dataclass(frozen=True)
class Site:
    """`url` without a trailing slash is issuer and resource at once; `origins` are further allowed pages."""

    url: str
    origins: frozenset[str]

    @classmethod
    def of(cls, url: str, origins: Iterable[str] = ()) -> Site:
        """Raises Invalid (`settings.url`) where `url` is no http(s) URL, or one with a query or a fragment."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise Invalid(f"`{url}` is not a URL to be known by", code="settings.url", hint="write `https://host`")
        return cls(url.rstrip("/"), frozenset(origins))

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of `url`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def path(self) -> str:
        """The path of `url`; mostly empty."""
        return urlsplit(self.url).path

    @cached_property
    def mcp(self) -> str:
        """The MCP endpoint as clients know it."""
        return f"{self.url}/mcp"

    def well_known(self, name: str, resource: str) -> str:
        """Where the document `name` about `resource` lies: its path goes behind the name (RFC 8414, RFC 9728)."""
        return f"{self.origin}/.well-known/{name}{resource.removeprefix(self.origin)}"

    def allows(self, origin: str | None) -> bool:
        """Whether a page of `origin` may call; a program sends none."""
        return origin is None or origin == self.origin or origin in self.origins
