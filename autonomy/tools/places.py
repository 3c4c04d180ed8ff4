"""Arguments put into the places of a declared text: `{name}` is replaced by one plain value. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def names_in(texts: Iterable[str]) -> list[str]:
    """The names that stand in places of the texts, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in _PLACE.findall(text)))


def fill(text: str, values: Mapping[str, Json], written: Callable[[str], str] = str) -> str:
    """`text` with every place filled; what is missing or null leaves nothing. `written` quotes a value.

    Raises Invalid (`arguments.invalid`) for a value that is a list or an object.
    """
    return _PLACE.sub(lambda place: written(plain(place[1], values.get(place[1]))), text)


def plain(name: str, value: Json) -> str:
    """One value as text: numbers and booleans as JSON writes them, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        raise Invalid(
            f"the argument `{name}` must be one value", code="arguments.invalid", hint="send a text or a number"
        )
    return canonical.encode(value).decode()
