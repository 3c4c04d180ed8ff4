"""Which vectors are nearest to one: all of them are compared, none is guessed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from autonomy.kernel.errors import Unavailable
from autonomy.kernel.interpreter import giving_way

if TYPE_CHECKING:
    import numpy

AT_ONCE = 250  # vectors that lie open in memory, and after which others have their turn


def nearest(
    parts: Iterable[Sequence[tuple[int, bytes]]], asked: Sequence[float], most: int, least: float
) -> list[tuple[float, int]]:
    """Cosine and number of the `most` nearest of all `parts` that are no less like `asked` than `least`, the nearest
    first, of equals the newest. A vector is a byte with a sign for each number.

    Raises Unavailable (`memory.extra`) where the package for it is not installed.
    """
    found: list[tuple[float, int]] = []
    for part in giving_way(parts):
        cosines = _cosines([blob for _, blob in part], asked)
        better = ((cosine, number) for cosine, (number, _) in zip(cosines, part, strict=True) if cosine >= least)
        found = heapq.nlargest(most, [*found, *better])
    return found


def _cosines(blobs: Sequence[bytes], asked: Sequence[float]) -> list[float]:
    if not blobs:
        return []
    import numpy  # noqa: PLC0415 - an extra of 25 MB in memory, loaded by whoever asks for a meaning

    matrix = numpy.frombuffer(b"".join(blobs), numpy.int8).reshape(len(blobs), len(asked)).astype(numpy.float32)
    wanted = numpy.asarray(asked, numpy.float64)
    wanted = (wanted / numpy.abs(wanted).max()).astype(numpy.float32)  # huge numbers would not be finite when squared
    lengths = numpy.sqrt(numpy.einsum("ij,ij->i", matrix, matrix)) * _length(wanted)
    cosines: list[float] = (matrix @ wanted / lengths).tolist()
    return cosines


def _length(vector: numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]) -> float:
    return float((vector @ vector) ** 0.5)


def require() -> None:
    """Raise Unavailable (`memory.extra`) unless vectors can be compared here."""
    try:
        import numpy  # noqa: F401, PLC0415 - as above
    except ImportError:
        raise Unavailable(
            "to compare meanings a package is needed that is not installed",
            code="memory.extra",
            hint="install `autonomy-os[meaning]`",
        ) from None
