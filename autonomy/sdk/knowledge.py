"""What agents know together, as calls of the server's API: decision tables and memory."""

from __future__ import annotations

from collections.abc import Mapping

from .caller import Caller, Object, Objects, part
from .wire import Json


class KnowledgeCalls(Caller):
    """Decision tables, and memory."""

    # Decisions

    def decisions(self) -> Objects:
        """Decision tables by name."""
        return self._pages("/api/decisions")

    def try_decision(self, name: str, inputs: Mapping[str, Json]) -> Object:
        """What a table answers for a case: `outputs`, `rows`, `revision`. Raises NotFound, Invalid, Conflict."""
        return self._post(f"/api/decisions/{part(name)}/try", inputs=dict(inputs))

    # Memory

    def memory_spaces(self) -> Objects:
        """Memory spaces by name, with how many items this person may read."""
        return self._pages("/api/memory/spaces")

    def search_memory(self, query: str, space: str | None = None, limit: int = 10, by: str | None = None) -> Object:
        """The `items` that answer best, of those this person may read; `by` what they were found: `text`, `meaning` or
        `both`; and why meaning is `missing`, where it was left out."""
        return self._get("/api/memory/search", query=query, space=space, limit=limit, by=by)

    def memory_item(self, item: str) -> Object:
        """One item of memory. Raises NotFound where there is none for this person."""
        return self._get(f"/api/memory/items/{part(item)}")

    def forget_memory(self, space: str, reason: str, **which: Json) -> int:
        """Forget what fits `item`, `source`, `case`, `author`, `subject` and `before` (ms); returns how many went."""
        said = {name: value for name, value in which.items() if value is not None}
        return int(self._post("/api/memory/forget", space=space, reason=reason, **said)["forgotten"])
