"""Listens to what is passed on over HTTP: the messages of MCP clients, or the requests to an interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autonomy.tools.mcp.sse import Events

from .mcp import MAX_MESSAGE, Conversation
from .rest import Interface
from .seen import Seen

MAX_CLIENTS = 1_000

Keep = Callable[[], None]


class McpListening:
    """Listens to MCP over HTTP. A conversation is known by its session, else by what the client calls itself."""

    def __init__(self, seen: Seen, keep: Keep) -> None:
        self._seen = seen
        self._keep = keep
        self._listed: dict[str, dict[str, Any]] = {}
        self._conversations: dict[str, Conversation] = {}

    def __call__(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> _McpExchange:  # noqa: ARG002 - the signature of Listen
        conversation = self._conversation(headers.get("mcp-session-id") or headers.get("user-agent", ""))
        conversation.asked(body)
        self._keep()
        return _McpExchange(conversation, self._begun)

    def _begun(self, session: str, conversation: Conversation) -> None:
        """A session has begun: what its client said of itself holds for it from now on."""
        begun = self._conversation(session)
        begun.caller = conversation.caller

    def _conversation(self, key: str) -> Conversation:
        if key not in self._conversations:
            if len(self._conversations) >= MAX_CLIENTS:
                del self._conversations[next(iter(self._conversations))]
            self._conversations[key] = Conversation(self._seen, self._listed)
        return self._conversations[key]


class _McpExchange:
    """One exchange: JSON, or a stream of events."""

    def __init__(self, conversation: Conversation, begun: Callable[[str, Conversation], None]) -> None:
        self._conversation = conversation
        self._begun = begun
        self._events: Events | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def answered(self, status: int, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - the signature of Listener
        if headers.get("content-type", "").startswith("text/event-stream"):
            self._events = Events()
        if "mcp-session-id" in headers:
            self._begun(headers["mcp-session-id"], self._conversation)

    def heard(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._events is None and self._size <= MAX_MESSAGE:
            self._parts.append(chunk)
        elif self._events is not None:
            self._hear_events(self._events, chunk)

    def ended(self) -> None:
        if self._events is None and self._size <= MAX_MESSAGE:
            self._conversation.answered(b"".join(self._parts))

    def _hear_events(self, events: Events, chunk: bytes) -> None:
        for data in events.feed(chunk):
            self._size = 0
            self._conversation.answered(data)
        if self._size > MAX_MESSAGE:  # an event without end is not kept
            self._events, self._size = Events(), 0


class RestListening:
    """Listens to requests below the path of a base URL; others pass by unheard."""

    def __init__(self, interface: Interface, base: str, keep: Keep) -> None:
        self._interface = interface
        self._base = base.rstrip("/")
        self._keep = keep

    def __call__(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> _RestExchange:
        if not path.startswith(f"{self._base}/"):
            return _RestExchange(self._interface, None)
        name = self._interface.asked(method, path.removeprefix(self._base), query, headers, body)
        self._keep()
        return _RestExchange(self._interface, name)


class _RestExchange:
    """One request and how it ended."""

    def __init__(self, interface: Interface, name: str | None) -> None:
        self._interface = interface
        self._name = name

    def answered(self, status: int, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - the signature of Listener
        if self._name is not None:
            self._interface.answered(self._name, status)

    def heard(self, chunk: bytes) -> None:
        """What is answered is not looked at."""

    def ended(self) -> None:
        """Everything is noted already."""
