"""A leaf in the words of others: an event of the Open Cybersecurity Schema Framework (OCSF 1.3.0), and a syslog message
(RFC 5424). Pure.

Both hold the leaf whole, and nothing else: a leaf holds no personal data and no secret, so neither do they. Only where
a datagram has no room for it, an event holds its hash in its stead, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from autonomy.kernel.clock import rfc3339

Leaf = Mapping[str, Any]

OCSF = "1.3.0"
NAME = "Autonomy OS"

FACILITY = 13  # "log audit", RFC 5424 section 6.2.1
ENTERPRISE = "autonomy@32473"  # the number that RFC 5612 keeps for those who have none of their own
MAX_PARAM = 256  # characters of one parameter of structured data
_LENGTHS = (256, 64, 32)  # characters a shortened event keeps of each word, the most that has room; an id stays whole


class Severity(NamedTuple):
    """How grave something is, for syslog and for OCSF."""

    syslog: int
    ocsf: int
    name: str


INFORMATIONAL, LOW, MEDIUM, HIGH = (
    Severity(6, 1, "Informational"),
    Severity(5, 2, "Low"),
    Severity(4, 3, "Medium"),
    Severity(3, 4, "High"),
)

_KINDS = {"denial": LOW, "hold": LOW, "identity": LOW, "change": LOW, "secret": LOW, "erasure": LOW}
_STATES = {"done": INFORMATIONAL, "failed": MEDIUM, "unknown": HIGH}
_STATUS = {"done": (1, "Success"), "failed": (2, "Failure"), "unknown": (0, "Unknown")}


class EventClass(NamedTuple):
    """A class of OCSF events, with the activity a leaf of ours is in it."""

    category: int
    category_name: str
    uid: int
    name: str
    activity: int
    activity_name: str


_OTHER = 99
_ACTIVITY = (6, "Application Activity", 6003, "API Activity")
_ENTITY = (3, "Identity & Access Management", 3004, "Entity Management")
_ACCOUNT = (3, "Identity & Access Management", 3001, "Account Change")


def severity(leaf: Leaf) -> Severity:
    """How grave what a leaf tells is: an ending nobody knows is worst, a refusal is a rule at work."""
    if leaf["kind"] == "containment":
        return HIGH if leaf.get("event") == "contained" else MEDIUM
    return _STATES.get(leaf.get("status", ""), _KINDS.get(leaf["kind"], INFORMATIONAL))


def event_class(leaf: Leaf) -> EventClass:
    """The OCSF class of a leaf."""
    kind = leaf["kind"]
    if kind == "identity":
        return EventClass(*_ACCOUNT, _OTHER, str(leaf.get("event", "other")))
    if kind in ("change", "secret"):
        return EventClass(*_ENTITY, 3, "Update")
    if kind == "erasure":
        return EventClass(*_ENTITY, 4, "Delete")
    if kind == "containment":
        return EventClass(*_ENTITY, _OTHER, str(leaf.get("event", "other")))
    return EventClass(*_ACTIVITY, _OTHER, str(kind))


def event(index: int, leaf: Leaf, origin: str, version: str) -> dict[str, Any]:
    """The OCSF event of the leaf `index` of the log called `origin`. Its `metadata.uid` is the same each time."""
    found, grave = event_class(leaf), severity(leaf)
    status_id, status = _STATUS.get(leaf.get("status", ""), (99, str(leaf["kind"])))
    said: dict[str, Any] = {
        "activity_id": found.activity,
        "activity_name": found.activity_name,
        "category_uid": found.category,
        "category_name": found.category_name,
        "class_uid": found.uid,
        "class_name": found.name,
        "type_uid": found.uid * 100 + found.activity,
        "type_name": f"{found.name}: {found.activity_name}",
        "time": leaf["at"],
        "severity_id": grave.ocsf,
        "severity": grave.name,
        "status_id": status_id,
        "status": status,
        "status_code": leaf.get("code"),
        "message": summary(leaf),
        "metadata": {
            "version": OCSF,
            "product": {"name": NAME, "vendor_name": NAME, "version": version},
            "uid": f"{origin}#{index}",
            "sequence": index,
            "log_name": origin,
            "event_code": leaf["kind"],
            "correlation_uid": leaf.get("action") or leaf.get("case"),
        },
        "actor": _actor(leaf),
        **_object(found, leaf, version),
        "unmapped": {"index": index, "leaf": dict(leaf)},
    }
    said["metadata"] = {name: value for name, value in said["metadata"].items() if value is not None}
    return {name: value for name, value in said.items() if value is not None}


def line(index: int, leaf: Leaf, origin: str, version: str) -> str:
    """The event as one line of JSON in ASCII."""
    return json.dumps(event(index, leaf, origin, version), separators=(",", ":"))


def short_event(index: int, leaf: Leaf, digest: bytes, origin: str, version: str) -> dict[str, Any]:
    """The event without the leaf in it: only the leaf's hash in the log, by which to ask for it, and that it is cut."""
    cut = {"index": index, "truncated": True, "hash": digest.hex()}
    return event(index, leaf, origin, version) | {"unmapped": cut}


def message(index: int, leaf: Leaf, origin: str, version: str, host: str) -> bytes:
    """The leaf as a syslog message: what is searched for as structured data, and the OCSF event as its text."""
    return _message(index, leaf, host, line(index, leaf, origin, version))


def datagram(index: int, leaf: Leaf, digest: bytes, origin: str, version: str, host: str, limit: int) -> bytes:
    """The leaf as a syslog message of at most `limit` bytes: where it has no room, with a shortened event as its text,
    which is whole JSON. `digest` is the leaf's hash in the log. A limit of 8,192 bytes has room for any leaf."""
    said = message(index, leaf, origin, version, host)
    for length in _LENGTHS:
        if len(said) <= limit:
            break
        short = _shortened(leaf, length)
        text = json.dumps(short_event(index, short, digest, origin, version), separators=(",", ":"))
        said = _message(index, short, host, text)
    return said


def _message(index: int, leaf: Leaf, host: str, text: str) -> bytes:
    priority = FACILITY * 8 + severity(leaf).syslog
    named = {
        "index": str(index),
        "kind": leaf["kind"],
        "action": leaf.get("action"),
        "agent": leaf.get("agent_name") or leaf.get("agent"),
        "tool": leaf.get("tool"),
        "case": leaf.get("case"),
        "status": leaf.get("status"),
        "code": leaf.get("code"),
        "actor": leaf.get("actor"),
    }
    data = " ".join(f'{name}="{_param(value)}"' for name, value in named.items() if value)
    header = f"<{priority}>1 {rfc3339(leaf['at'])} {_word(host, 255)} autonomy - {_word(leaf['kind'], 32)}"
    return f"{header} [{ENTERPRISE} {data}] {text}".encode()


def _shortened(leaf: Leaf, length: int) -> Leaf:
    """The leaf with `length` characters of each word, and without what is no word and no number."""
    words = {name: value[:length] for name, value in leaf.items() if isinstance(value, str)}
    return words | {name: value for name, value in leaf.items() if isinstance(value, int)}


def summary(leaf: Leaf) -> str:
    """What happened, in a few words."""
    who = leaf.get("agent_name") or leaf.get("actor") or leaf.get("agent") or "somebody"
    what = leaf.get("tool") or leaf.get("event") or leaf.get("operation") or ""
    how = leaf.get("status") or leaf.get("code") or ""
    return " ".join(part for part in (leaf["kind"], str(what), str(how), "by", str(who)) if part)


def _actor(leaf: Leaf) -> dict[str, Any]:
    if actor := leaf.get("actor"):
        name = str(actor).removeprefix("person:")
        kind = {"type_id": 1, "type": "User"} if name != actor else {"type_id": 3, "type": "System"}
        return {"user": {"name": name, "uid": str(actor), **kind}}
    name, uid = leaf.get("agent_name") or leaf.get("agent") or "autonomy", leaf.get("agent") or "autonomy"
    return {"user": {"name": name, "uid": uid, "type_id": _OTHER, "type": "Agent"}, "app_name": name}


def _object(found: EventClass, leaf: Leaf, version: str) -> dict[str, Any]:
    """What the class wants to be told of what was acted upon."""
    if found.uid == _ACTIVITY[2]:
        operation = str(leaf.get("tool") or leaf["kind"])
        place = {"name": str(leaf.get("site") or "unknown")}
        service = {"name": NAME, "uid": "autonomy", "version": version}
        return {"api": {"operation": operation, "service": service}, "src_endpoint": place}
    about = leaf.get("agent") or leaf.get("person") or leaf.get("target") or leaf.get("name") or leaf["kind"]
    if found.uid == _ACCOUNT[2]:
        return {"user": {"name": str(about), "uid": str(about)}}
    return {"entity": {"name": str(about), "type": str(leaf["kind"])}}


def _word(text: str, limit: int) -> str:
    """Printable US-ASCII without spaces, as a header field wants it; `-` where nothing is left."""
    return "".join(char for char in text if "!" <= char <= "~")[:limit] or "-"


def _param(value: object) -> str:
    """Section 6.3.3: three characters are escaped; what does not print would split the line of a careless reader."""
    text = "".join(char if char.isprintable() else "?" for char in str(value))[:MAX_PARAM]
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
