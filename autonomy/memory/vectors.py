"""Between texts and vectors: what is sent to an endpoint, what may come back, how it is kept. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autonomy.catalog.memory_space import Embedding
from autonomy.kernel import canonical
from autonomy.kernel.canonical import MAX_SAFE_INTEGER, Json
from autonomy.kernel.clock import HOUR, MINUTE, SECOND
from autonomy.kernel.errors import Invalid

from .words import said_in

MAX_TEXTS = 32  # of one request
MAX_NUMBERS = 8_192  # of one answer, which is read while others wait: some three milliseconds
LONGEST_ITEM_REST = 6 * HOUR
LONGEST_ENDPOINT_REST = MINUTE
_STEPS = 127  # of one byte with a sign


class Due(NamedTuple):
    """An item that waits for its vector: by whom, and how often it was tried."""

    item: str
    seq: int
    space: str
    shelf: int
    maker: str
    tries: int


def maker(said: Embedding) -> str:
    """By what the vectors are known that can be compared: the same endpoint, model and cut of the text."""
    named = said.model_dump(include={"connector", "path", "query", "model", "dimensions", "characters", "itemPrefix"})
    return canonical.digest(named)[:32]


def asking(said: Embedding) -> str:
    """By what questions are known that have one vector: spaces that share it ask for it once."""
    named = said.model_dump(include={"connector", "path", "query", "model", "dimensions", "queryPrefix"})
    return canonical.digest(named)


def together(due: Sequence[Due], said: Mapping[str, Embedding]) -> list[Due]:
    """What is sent in one request, of what is due in this order: an item that was refused before goes alone, so that
    it stands in nobody's way. `said` is by maker."""
    first = due[0]
    if first.tries:
        return [first]
    alike = [each for each in due if each.maker == first.maker and not each.tries]
    return alike[: max(1, min(MAX_TEXTS, MAX_NUMBERS // said[first.maker].dimensions))]


def text_of(content: Mapping[str, Json], said: Embedding) -> str:
    """What is sent of an item."""
    return said.itemPrefix + "\n".join(filter(None, said_in(content)))[: said.characters]


def read(answer: Json, count: int, dimensions: int) -> list[list[float]]:
    """The vectors of an answer, in the order of what was asked. Raises Invalid (`memory.vectors`) where these are not
    as many vectors as were asked for, each of finite numbers, as many as declared, and not all of them zero."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or len(data) != count or not all(isinstance(each, dict) for each in data):
        raise _unusable(f"it holds no list of {count} under `data`")
    places = [each.get("index", at) for at, each in enumerate(data)]
    by_place = {place: each for place, each in zip(places, data, strict=True) if type(place) is int}
    if sorted(by_place) != list(range(count)):
        raise _unusable("its places are not those of the texts")
    return [_vector(by_place[at].get("embedding"), dimensions) for at in range(count)]


def quantised(vector: Sequence[float]) -> bytes:
    """The direction of a vector, a byte for each number. What it is multiplied by does not matter for a cosine."""
    most = max(abs(each) for each in vector)
    return bytes(round(each / most * _STEPS) & 0xFF for each in vector)


def item_rest(tries: int) -> int:
    """Milliseconds until an item is tried again that was refused so often. After the first time, which it may owe to
    the others in the request, it is tried at once, alone."""
    return 0 if tries < 2 else int(min(MINUTE * 2 ** min(tries - 2, 20), LONGEST_ITEM_REST))


def endpoint_rest(failures: int) -> int:
    """Milliseconds until an endpoint is asked again that did not answer so often in a row."""
    return int(min(SECOND * 2 ** min(failures - 1, 20), LONGEST_ENDPOINT_REST))


def _vector(found: Json, dimensions: int) -> list[float]:
    if not isinstance(found, list) or len(found) != dimensions:
        raise _unusable(f"a vector has not {dimensions} numbers")
    if not all(_is_number(each) for each in found):
        raise _unusable("a vector holds something that is no finite number")
    if not any(found):
        raise _unusable("a vector has no direction")
    return [float(each) for each in found]


def _is_number(found: Json) -> bool:
    return math.isfinite(found) if type(found) is float else type(found) is int and abs(found) <= MAX_SAFE_INTEGER


def _unusable(why: str) -> Invalid:
    return Invalid(f"the endpoint's answer cannot be used: {why}", code="memory.vectors", hint="look at its model")
