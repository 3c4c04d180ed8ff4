"""How a client asks: for one object, or for a list page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from .wire import READ_SECONDS, Wire

PAGE = 500  # entries asked for at once; the most an answer holds

Object = dict[str, Any]
Objects = Iterator[Object]


class Caller:
    """The server at `url` as the person sees it to whom the session `token` belongs; as a stranger without one."""

    def __init__(self, url: str, token: str = "") -> None:
        self._wire = Wire(url, {"Authorization": f"Bearer {token}"} if token else {})

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._wire.url

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def _get(self, path: str, **query: Any) -> Object:
        answer: Object = self._wire.request("GET", path, query=query)
        return answer

    def _post(self, path: str, seconds: float = READ_SECONDS, /, **body: Any) -> Object:
        answer: Object = self._wire.request("POST", path, body, seconds=seconds)
        return answer

    def _put(self, path: str, /, **body: Any) -> Object:
        answer: Object = self._wire.request("PUT", path, body)
        return answer

    def _pages(self, path: str, **query: Any) -> Objects:
        after: str | None = None
        while True:
            found = self._get(path, **query, after=after, limit=PAGE)
            yield from found["items"]
            after = found["next"]
            if after is None:
                return


def part(name: str) -> str:
    """`name` as one part of a path."""
    return quote(name, safe="")
