"""Reads what was compressed on its way (RFC 9110, section 8.4.1): a copy, in pieces, bounded. Pure.

A body under a coding that is not known here, or that is broken, is silence: whoever it is for may well read it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MOST = 67_108_864  # bytes that are read out of one compressed body; a bomb is more
PIECE = 65_536

_GZIP, _DEFLATE = ("gzip", "x-gzip"), ("deflate",)
_KNOWN = (*_GZIP, *_DEFLATE, "identity")


class Reading:
    """One body under the codings that its header `Content-Encoding` names."""

    def __init__(self, header: str) -> None:
        self._codings = [word for word in _words(header) if word != "identity"]
        self._left = MOST if len(self._codings) == 1 and self._codings[0] in _KNOWN else 0
        self._inflater: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What can be read by now, in pieces of PIECE bytes at most; as it is where it is not compressed."""
        if not self._codings:
            yield chunk
            return
        is_more = bool(chunk)
        while is_more and self._left:
            self._inflater = self._inflater or self._begun(chunk)
            most = min(PIECE, self._left)
            try:
                piece = self._inflater.decompress(chunk, most)
            except zlib.error:
                self._left = 0
                return
            self._left -= len(piece)
            chunk = self._after(self._inflater)
            is_more = bool(chunk) or len(piece) == most
            if piece:
                yield piece

    def _begun(self, chunk: bytes) -> zlib._Decompress:
        """Some servers say `deflate` and send it without the header of zlib, whose first byte ends in 8 (RFC 1950)."""
        if self._codings[0] in _GZIP:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        return zlib.decompressobj(zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS)

    def _after(self, inflater: zlib._Decompress) -> bytes:
        """What is still to be read; after the end of one member of gzip another may follow (RFC 1952, section 2.2)."""
        if not inflater.eof:
            return inflater.unconsumed_tail
        self._inflater = None
        if self._codings[0] in _GZIP:
            return inflater.unused_data
        self._left = 0
        return b""


def read(body: bytes, header: str) -> bytes:
    """The whole of a body, or as much of it as can be read."""
    return b"".join(Reading(header).feed(body))


def readable(header: str) -> str:
    """Of the codings that an `Accept-Encoding` offers, those that can be read here; `identity` where there is none."""
    offered = [item.strip() for item in header.split(",")]
    return ", ".join(item for item in offered if item.partition(";")[0].strip().lower() in _KNOWN) or "identity"


def _words(header: str) -> list[str]:
    return [word for part in header.split(",") if (word := part.strip().lower())]
