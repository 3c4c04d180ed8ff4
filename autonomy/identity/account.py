"""The words of provisioning: what an identity provider tells of people and groups, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autonomy.kernel.canonical import Json


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """A person as the provider describes them. `document` is all of it, `active` whether they may sign in."""

    user_name: str
    active: bool
    display_name: str
    email: str
    external_id: str | None = None
    document: Mapping[str, Json] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account. `id` is the person's name here; times in milliseconds; `groups` are ids and names."""

    id: str
    user_name: str
    external_id: str | None
    active: bool
    document: Mapping[str, Json]
    version: int
    created_at: int
    changed_at: int
    groups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """A group as the provider describes it; `members` are ids of accounts."""

    display_name: str
    external_id: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `members` are ids of accounts."""

    id: str
    display_name: str
    external_id: str | None
    version: int
    created_at: int
    changed_at: int
    members: tuple[str, ...] = ()
