"""People and groups as SCIM resources, and back again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autonomy.identity.account import Account, Group, WantedAccount, WantedGroup
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import rfc3339

from .documents import Document, check_complete, cleaned
from .faults import wrong
from .filters import Path, split
from .schemas import GROUP, GROUPS, OF_GROUPS, OF_USERS, PEOPLE, USER

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ALWAYS = frozenset({"schemas", "id", "meta"})


def user(account: Account, root: str) -> dict[str, Any]:
    """An account as a resource of kind `User`."""
    shown: dict[str, Any] = {"schemas": _schemas(USER, account.document), "id": account.id, **account.document}
    shown["active"] = account.active
    if account.groups:
        shown["groups"] = [
            {"value": group, "$ref": f"{root}/Groups/{group}", "display": name} for group, name in account.groups
        ]
    return shown | {"meta": _meta("User", f"{root}/Users/{account.id}", account)}


def group(found: Group, root: str) -> dict[str, Any]:
    """A group as a resource of kind `Group`."""
    shown: dict[str, Any] = {"schemas": [GROUP], "id": found.id, "displayName": found.display_name}
    if found.external_id is not None:
        shown["externalId"] = found.external_id
    if found.members:
        # No more than was said: clients compare what comes back with what they sent.
        shown["members"] = [{"value": member, "$ref": f"{root}/Users/{member}"} for member in found.members]
    return shown | {"meta": _meta("Group", f"{root}/Groups/{found.id}", found)}


def wanted_account(sent: Json, before: Account | None = None) -> WantedAccount:
    """What a client wants a person to be. Who does not say whether they are active leaves that as it is."""
    document = cleaned(sent, OF_USERS)
    check_complete(document, PEOPLE)
    active = document.pop("active", True if before is None else before.active)
    user_name = str(document["userName"])
    if not user_name.isprintable() or len(user_name) > 320:
        raise wrong("`userName` is not a text of at most 320 characters")
    return WantedAccount(
        user_name=user_name,
        active=active,
        display_name=_display_name(document),
        email=_email(document),
        external_id=document.get("externalId"),
        document=document,
    )


def wanted_group(sent: Json) -> WantedGroup:
    """What a client wants a group to be."""
    document = cleaned(sent, OF_GROUPS)
    check_complete(document, GROUPS)
    members = [each.get("value") for each in document.get("members", [])]
    if not all(isinstance(each, str) for each in members):
        raise wrong("a member has no `value`")
    named = tuple(dict.fromkeys(str(each) for each in members))
    return WantedGroup(str(document["displayName"]), document.get("externalId"), named)


def document_of(account: Account) -> Document:
    """What a client has said of a person, as a patch begins from it."""
    return {"schemas": _schemas(USER, account.document), **account.document, "active": account.active}


def document_of_group(found: Group) -> Document:
    """What a client has said of a group, as a patch begins from it."""
    members = [{"value": member} for member in found.members]
    said = {"externalId": found.external_id} if found.external_id is not None else {}
    return {"schemas": [GROUP], "displayName": found.display_name, **said, "members": members}


def list_of(found: Sequence[Mapping[str, Any]], total: int, start: int) -> dict[str, Any]:
    """A page of a list (RFC 7644 section 3.4.2)."""
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": list(found),
    }


def chosen(resource: Mapping[str, Any], wanted: Iterable[str], unwanted: Iterable[str]) -> dict[str, Any]:
    """The attributes a client asks to see, or all but those it does not want (RFC 7644 section 3.9)."""
    shown = [split(name) for name in wanted]
    if shown:
        return {name: part for name, value in resource.items() if (part := _shown(name, value, shown)) is not None}
    hidden = [split(name) for name in unwanted]
    return {name: part for name, value in resource.items() if (part := _left(name, value, hidden)) is not None}


def _shown(name: str, value: Any, paths: Sequence[Path]) -> Any:
    if name in ALWAYS or _named(name, paths):
        return value
    parts = _parts_of(name, paths)
    return _pick(value, lambda part: part.lower() in parts) if parts else None


def _left(name: str, value: Any, paths: Sequence[Path]) -> Any:
    if name in ALWAYS:
        return value
    if _named(name, paths):
        return None
    parts = _parts_of(name, paths)
    return _pick(value, lambda part: part.lower() not in parts) if parts else value


def _named(name: str, paths: Sequence[Path]) -> bool:
    return any([part.lower() for part in path] == [name.lower()] for path in paths)


def _parts_of(name: str, paths: Sequence[Path]) -> set[str]:
    return {path[1].lower() for path in paths if len(path) > 1 and path[0].lower() == name.lower()}


def _pick(value: Any, wanted: Any) -> Any:
    if isinstance(value, list):
        return [_pick(each, wanted) for each in value]
    return {name: part for name, part in value.items() if wanted(name)} if isinstance(value, dict) else value


def _schemas(own: str, document: Mapping[str, Json]) -> list[str]:
    return [own, *(name for name in document if ":" in name)]


def _meta(kind: str, location: str, found: Account | Group) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "created": rfc3339(found.created_at),
        "lastModified": rfc3339(found.changed_at),
        "location": location,
        "version": version_of(found.version),
    }


def version_of(version: int) -> str:
    """A version as an entity tag."""
    return f'W/"{version}"'


def _display_name(document: Mapping[str, Json]) -> str:
    name = document.get("name", {})
    whole = " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
    said = document.get("displayName") or name.get("formatted") or whole or document["userName"]
    return str(said)[:200]


def _email(document: Mapping[str, Json]) -> str:
    listed = [each for each in document.get("emails", []) if each.get("value")]
    first = next((each for each in listed if each.get("primary")), listed[0] if listed else {})
    return str(first.get("value", ""))[:320]
