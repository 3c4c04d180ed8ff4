"""The addresses under `/scim/v2`: HTTP around people and groups (RFC 7644 section 3)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from autonomy.identity.service_keys import ServiceKey
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid, NotFound

from .. import asgi
from ..asgi import NO_STORE, Answer, Header, Incoming
from ..ports import Accounts
from ..refusals import bearer_of, guidance
from ..site import Site
from . import resources
from .faults import error_body, status_of, wrong
from .filters import Filter, equality, holds, read_filter
from .patch import patched
from .resources import chosen, document_of, document_of_group, list_of, version_of, wanted_account, wanted_group
from .schemas import OF_GROUPS, OF_USERS, SCHEMAS, resource_types, schema_resource, service_provider_config

ROOT = "/scim/v2"
MAX_PAGE = 200
DEFAULT_PAGE = 100

_TYPE: Header = (b"content-type", b"application/scim+json")
_KINDS = ("application/scim+json", "application/json")
_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a provider: who asks, about what, with which query, body and version."""

    key: ServiceKey
    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: Json
    version: int | None
    known: int | None
    """The version the caller has, whose resource it does not need to see again."""

    @property
    def provider(self) -> str:
        return self.key.provider


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered: a resource or a list."""

    status: int
    body: dict[str, Any] | None = None
    version: int | None = None
    location: str = ""


Handler = Callable[[Call], Said]


class Scim:
    """Every address under `/scim/v2`. What is asked of identity blocks and runs in a thread."""

    def __init__(self, accounts: Accounts, site: Site) -> None:
        self._accounts = accounts
        self._root = f"{site.url}{ROOT}"
        self._metadata = site.well_known("oauth-protected-resource", site.url)

    async def answer(self, incoming: Incoming) -> Answer:
        """The answer to any request; errors are in SCIM's words."""
        try:
            key = await asyncio.to_thread(self._accounts.admit_service, bearer_of(incoming), "scim")
            parts = _parts(incoming.path)
            handler = self._route(incoming.method, parts)
            call = await _call(incoming, key, parts)
            said = await asyncio.to_thread(handler, call)
        except AutonomyError as error:
            headers = guidance(error, self._metadata)
            return Answer(status_of(error), msgspec.json.encode(error_body(error)), (NO_STORE, _TYPE, *headers))
        return _answer(said, call)

    def _route(self, method: str, parts: tuple[str, ...]) -> Handler:
        handlers: dict[tuple[str, ...], Mapping[str, Handler]] = {
            ("Users",): {"GET": self._list_users, "POST": self._create_user},
            ("Users", ""): {
                "GET": self._user,
                "PUT": self._replace_user,
                "PATCH": self._patch_user,
                "DELETE": self._delete_user,
            },
            ("Groups",): {"GET": self._list_groups, "POST": self._create_group},
            ("Groups", ""): {
                "GET": self._group,
                "PUT": self._replace_group,
                "PATCH": self._patch_group,
                "DELETE": self._delete_group,
            },
            ("ServiceProviderConfig",): {"GET": self._config},
            ("ResourceTypes",): {"GET": self._types},
            ("ResourceTypes", ""): {"GET": self._types},
            ("Schemas",): {"GET": self._schemas},
            ("Schemas", ""): {"GET": self._schemas},
        }
        if parts[:1] in (("Bulk",), ("Me",)) or parts[-1:] == (".search",):
            raise Invalid(f"`{parts[-1]}` is not served here", code="scim.unsupported")
        shape = (parts[0], *("" for _ in parts[1:])) if parts else ()
        methods = handlers.get(shape, {})
        if not methods:
            raise NotFound("there is nothing at this address", code="route.unknown")
        if method not in methods:
            raise _Method(", ".join(methods))
        return methods[method]

    def _list_users(self, call: Call) -> Said:
        asked = _filter(call)
        found = self._accounts.accounts(call.provider, equality(asked, "userName"))
        return self._listed(call, asked, [resources.user(each, self._root) for each in found])

    def _user(self, call: Call) -> Said:
        found = self._accounts.account(call.provider, call.parts[1])
        return Said(200, resources.user(found, self._root), found.version)

    def _create_user(self, call: Call) -> Said:
        made = self._accounts.create_account(call.provider, wanted_account(call.body), call.key.actor)
        return Said(201, resources.user(made, self._root), made.version, f"{self._root}/Users/{made.id}")

    def _replace_user(self, call: Call) -> Said:
        found = self._accounts.change_account(
            call.provider,
            call.parts[1],
            lambda before: wanted_account(call.body, before),
            call.key.actor,
            call.version,
        )
        return Said(200, resources.user(found, self._root), found.version)

    def _patch_user(self, call: Call) -> Said:
        found = self._accounts.change_account(
            call.provider,
            call.parts[1],
            lambda before: wanted_account(patched(document_of(before), call.body, OF_USERS), before),
            call.key.actor,
            call.version,
        )
        return Said(200, resources.user(found, self._root), found.version)

    def _delete_user(self, call: Call) -> Said:
        self._accounts.delete_account(call.provider, call.parts[1], call.key.actor, call.version)
        return Said(204)

    def _list_groups(self, call: Call) -> Said:
        asked = _filter(call)
        found = self._accounts.groups(call.provider)
        return self._listed(call, asked, [resources.group(each, self._root) for each in found])

    def _group(self, call: Call) -> Said:
        found = self._accounts.group(call.provider, call.parts[1])
        return Said(200, resources.group(found, self._root), found.version)

    def _create_group(self, call: Call) -> Said:
        made = self._accounts.create_group(call.provider, wanted_group(call.body), call.key.actor)
        return Said(201, resources.group(made, self._root), made.version, f"{self._root}/Groups/{made.id}")

    def _replace_group(self, call: Call) -> Said:
        found = self._accounts.change_group(
            call.provider, call.parts[1], lambda _: wanted_group(call.body), call.key.actor, call.version
        )
        return Said(200, resources.group(found, self._root), found.version)

    def _patch_group(self, call: Call) -> Said:
        found = self._accounts.change_group(
            call.provider,
            call.parts[1],
            lambda before: wanted_group(patched(document_of_group(before), call.body, OF_GROUPS)),
            call.key.actor,
            call.version,
        )
        return Said(200, resources.group(found, self._root), found.version)

    def _delete_group(self, call: Call) -> Said:
        self._accounts.delete_group(call.provider, call.parts[1], call.key.actor, call.version)
        return Said(204)

    def _config(self, _: Call) -> Said:
        return Said(200, service_provider_config(self._root, MAX_PAGE))

    def _types(self, call: Call) -> Said:
        return self._described(call, resource_types(self._root))

    def _schemas(self, call: Call) -> Said:
        return self._described(call, [schema_resource(each, self._root) for each in SCHEMAS.values()])

    def _described(self, call: Call, found: Sequence[dict[str, Any]]) -> Said:
        """One of the descriptions by its id, or all of them; they are not filtered (RFC 7644 section 4)."""
        if "filter" in call.query:
            raise _Forbidden("descriptions are not filtered")
        if len(call.parts) == 1:
            return Said(200, list_of(found, len(found), 1))
        for each in found:
            if each["id"] == call.parts[1]:
                return Said(200, each)
        raise NotFound(f"there is no `{call.parts[1][:80]}`", code="route.unknown")

    def _listed(self, call: Call, asked: Filter | None, found: Sequence[dict[str, Any]]) -> Said:
        fitting = [each for each in found if asked is None or holds(asked, each)]
        start, count = _number(call, "startIndex", 1, 1), _number(call, "count", DEFAULT_PAGE, 0)
        page = fitting[start - 1 : start - 1 + min(count, MAX_PAGE)]
        return Said(200, list_of([_shown(each, call) for each in page], len(fitting), start))


class _Method(Invalid):
    """this address does not know this method"""

    status = 405
    default_code = "route.method"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"this address takes {allowed}")


class _Forbidden(Invalid):
    """this is not done here"""

    status = 403
    default_code = "scim.filter"


async def _call(incoming: Incoming, key: ServiceKey, parts: tuple[str, ...]) -> Call:
    body: Json = None
    if incoming.method in ("POST", "PUT", "PATCH"):
        kind = (incoming.header(b"content-type") or "").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise Invalid("the body is not declared as SCIM", code="body.type", hint="say `application/scim+json`")
        body = asgi.read_json(await incoming.body())
    return Call(
        key,
        incoming.method,
        parts,
        _query(incoming.query),
        body,
        _tag(incoming.header(b"if-match")),
        _tag(incoming.header(b"if-none-match")),
    )


def _parts(path: str) -> tuple[str, ...]:
    """What stands behind `/scim/v2`; the server has decoded it."""
    rest = path.removeprefix(ROOT).strip("/")
    return tuple(rest.split("/")) if rest else ()


def _query(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise wrong("the query cannot be read", "request") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise wrong("the query says something twice", "request")
    return found


def _tag(header: str | None) -> int | None:
    """The version an entity tag names; None for none and for `*`, which any version is."""
    if header is None or header == "*":
        return None
    found = _TAG.fullmatch(header)
    if found is None:
        raise wrong("the entity tag is not one of ours", "request")
    return int(found[1])


def _filter(call: Call) -> Filter | None:
    said = call.query.get("filter")
    return None if said is None else read_filter(said)


def _number(call: Call, name: str, default: int, least: int) -> int:
    """A number of the query; less than the least is the least (RFC 7644 section 3.4.2.4)."""
    said = call.query.get(name)
    if said is None:
        return default
    if not re.fullmatch(r"-?\d{1,9}", said):
        raise wrong(f"`{name}` is not a number")
    return max(least, int(said))


def _shown(resource: Mapping[str, Any], call: Call) -> dict[str, Any]:
    wanted, unwanted = (
        [name.strip() for name in call.query.get(which, "").split(",") if name.strip()]
        for which in ("attributes", "excludedAttributes")
    )
    return chosen(resource, wanted, unwanted)


def _answer(said: Said, call: Call) -> Answer:
    headers: list[Header] = [NO_STORE]
    if said.version is not None:
        headers.append((b"etag", version_of(said.version).encode()))
        if call.method == "GET" and call.known == said.version:
            return Answer(304, b"", tuple(headers))
    if said.location:
        headers.append((b"location", said.location.encode()))
    if said.body is None:
        return Answer(said.status, b"", tuple(headers))
    is_one = said.version is not None
    body = _shown(said.body, call) if is_one else said.body
    return Answer(said.status, msgspec.json.encode(body), (*headers, _TYPE))
