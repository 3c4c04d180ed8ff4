"""Server-sent events (WHATWG HTML, 9.2.6), as far as MCP uses them: the data of each event, as it comes. Pure."""

from __future__ import annotations

from collections.abc import Iterator


class Events:
    """Takes a stream apart, chunk by chunk. What belongs to no event that ended is dropped, as the standard says."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # of a line that has not ended
        self._data: list[bytes] = []
        self._after_return = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The data of each event that ends in `chunk`."""
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_return = chunk.endswith(b"\r")
        self._parts.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            return
        *lines, rest = b"".join(self._parts).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._parts = [rest]
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                yield b"\n".join(self._data)
                self._data.clear()

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
