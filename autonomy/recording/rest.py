"""Overhears the requests to an HTTP interface: which operation each is, and what it takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from .seen import Seen, caller_name
from .shape import MAX_MEMBERS, is_secret

MAX_BODY = 16_777_216
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_IDENTIFIER = re.compile(
    r"\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}"
    r"|(?=[^/]*\d)[A-Za-z0-9_-]*\d[A-Za-z0-9_.-]*",
    re.IGNORECASE,
)
"""What stands in a path for one of many: numbers, UUIDs, and words with a digit in them."""

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")
_SCHEMES = ("basic", "bearer", "token", "apikey")
_WORD = re.compile(r"[^a-z0-9_]+")


class Known(NamedTuple):
    """An operation of a document: its method, its path with `{arguments}`, and how it is called."""

    method: str
    path: str
    name: str


def operations(document: Json) -> list[Known]:
    """The operations of an OpenAPI document; none where it is none. Nothing else of it is looked at."""
    paths = document.get("paths") if isinstance(document, dict) else None
    found = []
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        for method in METHODS:
            operation = item.get(method.lower()) if isinstance(item, dict) else None
            if isinstance(operation, dict) and isinstance(path, str):
                said = operation.get("operationId")
                found.append(Known(method, path, said if isinstance(said, str) else f"{method.lower()} {path}"))
    return found


class Interface:
    """An HTTP interface; `known` are the operations of its document, where there is one."""

    def __init__(self, seen: Seen, known: Iterable[Known] = ()) -> None:
        self._seen = seen
        self._known = [(one, _pattern(one.path)) for one in known]

    def asked(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
        """Note a request to `path`, below the base URL; returns the name of its operation."""
        template, named, name = self._operation(method, path)
        pairs = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key.isprintable()}
        arguments: dict[str, Json] = {argument(name): _typed(value) for name, value in pairs.items()}
        content = _object(body) if headers.get("content-type", "").partition(";")[0].strip().endswith("json") else None
        query_arguments = {key: argument(key) for key in list(pairs)[:MAX_MEMBERS]}
        about: dict[str, Any] = {"method": method, "path": template}
        about |= {"query": query_arguments} if query_arguments else {}
        about |= {"body": "arguments"} if content else {}
        if "idempotency-key" in headers:
            about["idempotencyHeader"] = "Idempotency-Key"
        arguments |= {key: _typed(value) for key, value in named.items()} | (content or {})
        self._seen.shown |= _shown(headers)
        self._seen.call(name, caller_name(headers.get("user-agent", "").split("/")[0]), arguments, about)
        return name

    def answered(self, name: str, status: int) -> None:
        """Note how it ended."""
        if status >= 400:
            self._seen.failure(name)

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, str], str]:
        """The path with arguments in braces, their values, and the operation's name."""
        for known, pattern in self._known:
            match = pattern.fullmatch(path) if known.method == method else None
            if match:
                names = [argument(name) for name in re.findall(r"\{([^{}]*)\}", known.path)]
                template = re.sub(r"\{([^{}]*)\}", lambda place: "{" + argument(place[1]) + "}", known.path)
                return template, dict(zip(names, map(unquote, match.groups()), strict=True)), known.name
        template, named = _guessed(path)
        return template, named, f"{method.lower()} {template}"


def argument(name: str) -> str:
    """A name that an argument may have here."""
    words = _WORD.sub("_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())[:63]
    return words if words and not words[0].isdigit() else f"a_{words}"


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that hold a credential, each with the scheme before it (RFC 9110, section 11.4); never what it is."""
    schemes = {name: value.partition(" ")[0] for name, value in headers.items() if is_secret(name)}
    return {name: scheme if scheme.lower() in _SCHEMES else "" for name, scheme in schemes.items()}


def _guessed(path: str) -> tuple[str, dict[str, str]]:
    """The path with what looks like the name of one of many in braces."""
    named: dict[str, str] = {}
    steps = []
    for step in path.split("/"):
        text = unquote(step)
        if step and _IDENTIFIER.fullmatch(text) and not re.fullmatch(r"v\d{1,2}", text):
            name = "id" if not named else f"id_{len(named) + 1}"
            named[name] = text
            step = "{" + name + "}"
        steps.append(step)
    return "/".join(steps), named


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("([^/]+)".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", path)))


def _typed(value: str) -> Json:
    """A text of a URL as what it reads like; numbers only, for shapes. What another text would be of, such as `007`,
    is none."""
    return int(value) if _WHOLE.fullmatch(value) else value


def _object(body: bytes) -> dict[str, Json] | None:
    try:
        found = canonical.parse(body, MAX_BODY) if body else None
    except AutonomyError:
        return None
    return found if isinstance(found, dict) else None
