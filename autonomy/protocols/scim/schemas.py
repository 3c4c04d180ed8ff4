"""Which attributes people and groups have here (RFC 7643 sections 4 and 7), and what clients are told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Type = Literal["string", "boolean", "complex", "reference"]
Mutability = Literal["readWrite", "readOnly", "immutable"]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `subs` are the parts of a complex one, `targets` what a reference leads to."""

    name: str
    description: str
    type: Type = "string"
    multi: bool = False
    required: bool = False
    mutability: Mutability = "readWrite"
    unique: bool = False
    exact: bool = False
    subs: tuple[Attribute, ...] = ()
    targets: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The attribute as `/Schemas` shows it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi,
            "description": self.description,
            "required": self.required,
            "mutability": self.mutability,
            "returned": "default",
        }
        if self.type in ("string", "reference"):
            shown |= {"caseExact": self.exact, "uniqueness": "server" if self.unique else "none"}
        if self.targets:
            shown["referenceTypes"] = list(self.targets)
        if self.subs:
            shown["subAttributes"] = [sub.as_dict() for sub in self.subs]
        return shown


@dataclass(frozen=True, slots=True)
class Schema:
    """A set of attributes under one URN."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name, whatever its case."""
        return find(self.attributes, name)


def find(attributes: tuple[Attribute, ...], name: str) -> Attribute | None:
    """The attribute of this name among `attributes`; names are the same in any case (RFC 7643 section 2.1)."""
    lowered = name.lower()
    return next((each for each in attributes if each.name.lower() == lowered), None)


def _many(name: str, description: str) -> Attribute:
    """A multi-valued attribute with the usual parts (RFC 7643 section 2.4)."""
    return Attribute(
        name,
        description,
        "complex",
        multi=True,
        subs=(
            Attribute("value", "the value"),
            Attribute("display", "how it is shown"),
            Attribute("type", "what it is used for, such as `work`"),
            Attribute("primary", "whether it is the one to be used; at most one is", "boolean"),
        ),
    )


def _texts(*named: tuple[str, str]) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, description) for name, description in named)


EXTERNAL_ID = Attribute("externalId", "the provider's own id, the subject of its tokens", exact=True)

PEOPLE = Schema(
    USER,
    "User",
    "a person",
    (
        Attribute("userName", "by which the provider knows the person", required=True, unique=True),
        Attribute(
            "name",
            "the parts of the person's name",
            "complex",
            subs=_texts(
                ("formatted", "the whole name"),
                ("familyName", "family name"),
                ("givenName", "given name"),
                ("middleName", "middle names"),
                ("honorificPrefix", "title before the name"),
                ("honorificSuffix", "suffix of the name"),
            ),
        ),
        *_texts(
            ("displayName", "what the person is called"),
            ("nickName", "casual name"),
            ("title", "position"),
            ("userType", "relation to the organisation"),
            ("preferredLanguage", "language, as in Accept-Language"),
            ("locale", "how dates and numbers are written"),
            ("timezone", "IANA time zone"),
        ),
        Attribute(
            "active", "whether the person may sign in; false ends everything at the next call", "boolean", required=True
        ),
        _many("emails", "e-mail addresses; the primary one is used"),
        _many("phoneNumbers", "telephone numbers"),
        Attribute(
            "groups",
            "groups the person is in; changed at the groups",
            "complex",
            multi=True,
            mutability="readOnly",
            subs=(
                Attribute("value", "the group's id", mutability="readOnly"),
                Attribute("$ref", "where it is", "reference", mutability="readOnly", exact=True, targets=("Group",)),
                Attribute("display", "what it is called", mutability="readOnly"),
            ),
        ),
    ),
)

EMPLOYEES = Schema(
    ENTERPRISE,
    "EnterpriseUser",
    "what employers know of a person",
    _texts(
        ("employeeNumber", "number of the employee"),
        ("costCenter", "cost centre"),
        ("organization", "organisation"),
        ("division", "division"),
        ("department", "department"),
    ),
)

GROUPS = Schema(
    GROUP,
    "Group",
    "a group; what it admits to is declared with its identity provider",
    (
        Attribute("displayName", "the group's name, by which it is declared", required=True, unique=True),
        Attribute(
            "members",
            "the people in it",
            "complex",
            multi=True,
            subs=(
                Attribute("value", "the person's id", mutability="immutable", exact=True),
                Attribute(
                    "$ref", "where the person is", "reference", mutability="immutable", exact=True, targets=("User",)
                ),
            ),
        ),
    ),
)

SCHEMAS = {schema.id: schema for schema in (PEOPLE, EMPLOYEES, GROUPS)}

OF_USERS = (PEOPLE, EMPLOYEES)
OF_GROUPS = (GROUPS,)
"""The schemas of each kind of resource, its own first."""


def schema_resource(schema: Schema, root: str) -> dict[str, Any]:
    """A schema as a resource (RFC 7643 section 7)."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": [each.as_dict() for each in schema.attributes],
        "meta": {"resourceType": "Schema", "location": f"{root}/Schemas/{schema.id}"},
    }


def resource_types(root: str) -> list[dict[str, Any]]:
    """The kinds of resources (RFC 7643 section 6)."""
    return [
        _resource_type("User", "/Users", PEOPLE, (EMPLOYEES,), root),
        _resource_type("Group", "/Groups", GROUPS, (), root),
    ]


def _resource_type(
    name: str, endpoint: str, schema: Schema, extensions: tuple[Schema, ...], root: str
) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "description": schema.description,
        "endpoint": endpoint,
        "schema": schema.id,
        "schemaExtensions": [{"schema": each.id, "required": False} for each in extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{root}/ResourceTypes/{name}"},
    }


def service_provider_config(root: str, most: int) -> dict[str, Any]:
    """What this server can do (RFC 7643 section 5)."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://datatracker.ietf.org/doc/html/rfc7644",
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": most},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "a service key for SCIM, in the header `Authorization`",
                "specUri": "https://datatracker.ietf.org/doc/html/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{root}/ServiceProviderConfig"},
    }
