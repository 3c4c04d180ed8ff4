"""How a list that comes in pages goes on. Pure: one answer in, the next request out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urljoin

from autonomy.catalog.services import Pagination
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from .errors import Unreachable
from .requests import Composed
from .ssrf import Target, parse_url
from .template import at

_LINK = re.compile(r"<([^<>]{1,8192})>\s*((?:;\s*[^,;]{1,1000})*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";,]*\s)?next(?:\s[^\";,]*)?\"?\s*(?:;|$)", re.IGNORECASE)
MAX_CURSOR = 2_048


class Pages:
    """A list under way: what was found, and how far. Bounded by what the tool declares."""

    def __init__(self, declared: Pagination, first: Composed) -> None:
        self._declared = declared
        self._first = first
        self._cursors: set[str] = set()
        self.items: list[Json] = []
        self.count = 0

    def first(self) -> Composed:
        """The first request."""
        if self._declared.by in ("offset", "page"):
            return self._with(str(self._declared.start))
        return self._first

    def take(self, value: Json, headers: Mapping[str, str], here: Target) -> Composed | None:
        """Add the items of one answer; the request for the next ones, None at the end.

        Raises TooLarge (`result.too_large`) beyond the bounds, Unreachable (`upstream.page`) where it is no page.
        """
        found = at(value, self._declared.items)
        if not isinstance(found, list):
            raise Unreachable(f"the answer has no list at `{self._declared.items or '/'}`", code="upstream.page")
        self.items += found
        self.count += 1
        if len(self.items) > self._declared.maxItems:
            raise _more(f"{self._declared.maxItems} items")
        following = self._following(value, found, headers, here)
        if following is not None and self.count >= self._declared.maxPages:
            raise _more(f"{self._declared.maxPages} pages")
        return following

    def _following(self, value: Json, found: list[Json], headers: Mapping[str, str], here: Target) -> Composed | None:
        match self._declared.by:
            case "link":
                return self._linked(headers, here)
            case "cursor":
                return self._after(at(value, self._declared.next or ""))
            case "offset":
                return self._with(str(self._declared.start + len(self.items))) if found else None
            case "page":
                return self._with(str(self._declared.start + self.count)) if found else None

    def _linked(self, headers: Mapping[str, str], here: Target) -> Composed | None:
        link = next_link(headers.get("Link", ""))
        if link is None:
            return None
        authority = f"[{here.host}]:{here.port}" if ":" in here.host else f"{here.host}:{here.port}"
        try:
            target = parse_url(urljoin(f"{here.scheme}://{authority}{here.path}", link))
        except (Invalid, ValueError):
            raise Unreachable("the next page is at no plain URL", code="upstream.page") from None
        if target.origin != here.origin or target.path.partition("?")[0] != here.path.partition("?")[0]:
            raise Unreachable("the next page is somewhere else", code="upstream.page")
        self._once(target.path)
        return self._first._replace(target=target)

    def _after(self, cursor: Json) -> Composed | None:
        if cursor is None or cursor == "" or cursor is False:
            return None
        if isinstance(cursor, bool) or not isinstance(cursor, (str, int)) or len(str(cursor)) > MAX_CURSOR:
            raise Unreachable("the next cursor is no text", code="upstream.page")
        self._once(str(cursor))
        return self._with(str(cursor))

    def _once(self, cursor: str) -> None:
        """A service that goes round in circles would be asked for ever."""
        if cursor in self._cursors:
            raise Unreachable("the pages go round in circles", code="upstream.page")
        self._cursors.add(cursor)

    def _with(self, value: str) -> Composed:
        """The first request with the parameter that moves on."""
        path, _, query = self._first.target.path.partition("?")
        name = self._declared.parameter or ""
        pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != name]
        encoded = urlencode([*pairs, (name, value)], quote_via=quote, safe="")
        return self._first._replace(target=self._first.target._replace(path=f"{path}?{encoded}"))


def next_link(header: str) -> str | None:
    """The target of `rel=next` in a `Link` header (RFC 8288, section 3)."""
    for match in _LINK.finditer(header[:65_536]):
        if _NEXT.search(match[2]):
            return match[1]
    return None


def _more(bound: str) -> TooLarge:
    return TooLarge(f"the list has more than {bound}", code="result.too_large", hint="ask for less")
