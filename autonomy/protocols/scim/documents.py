"""What clients send of a person or a group, in one spelling: only what is known here, each of its type. Pure.

Names are the same in any case; what is read-only or not known is left out, as RFC 7644 section 3.3 wants; nothing,
null and empty are one (RFC 7643 section 2.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autonomy.kernel.canonical import Json

from .faults import wrong
from .schemas import EXTERNAL_ID, Attribute, Schema, find

MAX_TEXT = 1_024
MAX_VALUES = 10_000  # of one attribute: members of a group

Document = dict[str, Json]


def cleaned(sent: Json, schemas: Sequence[Schema]) -> Document:
    """The document that `sent` stands for; `schemas` are those of its kind, its own first. Raises Invalid."""
    if not isinstance(sent, Mapping):
        raise wrong("the body is not an object", "request")
    _check_schemas(sent, schemas)
    own, extensions = schemas[0], schemas[1:]
    found = _parts(sent, (EXTERNAL_ID, *own.attributes), "")
    for extension in extensions:
        said = next((value for name, value in sent.items() if name.lower() == extension.id.lower()), None)
        if said is not None:
            if not isinstance(said, Mapping):
                raise wrong(f"`{extension.id}` is not an object")
            if parts := _parts(said, extension.attributes, f"{extension.name}."):
                found[extension.id] = parts
    return found


def check_complete(document: Document, schema: Schema) -> None:
    """Raise Invalid (`scim.value`) where a text is missing that must be there; `active` may be left as it is."""
    for attribute in schema.attributes:
        if attribute.required and attribute.type == "string" and not document.get(attribute.name):
            raise wrong(f"`{attribute.name}` is missing")


def _check_schemas(sent: Mapping[str, Json], schemas: Sequence[Schema]) -> None:
    said = next((value for name, value in sent.items() if name.lower() == "schemas"), None)
    known = {schema.id.lower() for schema in schemas}
    if not isinstance(said, list) or schemas[0].id.lower() not in {str(each).lower() for each in said}:
        raise wrong(f"`schemas` does not name `{schemas[0].id}`", "request")
    if len(said) > len(known) + 10:
        raise wrong("too many schemas", "request")


def _parts(sent: Mapping[str, Json], attributes: tuple[Attribute, ...], prefix: str) -> Document:
    found: Document = {}
    for name, value in sent.items():
        attribute = find(attributes, name)
        if attribute is None or attribute.mutability == "readOnly":
            continue
        if attribute.name in found:
            raise wrong(f"`{prefix}{attribute.name}` stands twice", "request")
        read = _values(value, attribute, f"{prefix}{attribute.name}")
        if read not in (None, "", [], {}):
            found[attribute.name] = read
    return found


def _values(value: Json, attribute: Attribute, name: str) -> Json:
    if value is None:
        return None
    if not attribute.multi:
        return _value(value, attribute, name)
    listed = value if isinstance(value, list) else [value]
    if len(listed) > MAX_VALUES:
        raise wrong(f"`{name}` has more than {MAX_VALUES} values")
    read = [_value(each, attribute, name) for each in listed]
    if sum(isinstance(each, Mapping) and each.get("primary") is True for each in read) > 1:
        raise wrong(f"more than one of `{name}` is primary")
    return [each for each in read if each]


def _value(value: Json, attribute: Attribute, name: str) -> Json:
    if attribute.type == "complex":
        if not isinstance(value, Mapping):
            raise wrong(f"`{name}` is not an object")
        return _parts(value, attribute.subs, f"{name}.")
    if attribute.type == "boolean":
        return _boolean(value, name)
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        raise wrong(f"`{name}` is not a text of at most {MAX_TEXT} characters")
    return value


def _boolean(value: Json, name: str) -> bool:
    # A provider in wide use writes `"True"`.
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise wrong(f"`{name}` is not true or false")
    return value
