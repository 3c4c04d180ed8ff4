"""Rows as stored, read into the words of the model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from .model import AgentView, Containment, Credential, Delegation, PersonView, SigningKey, State, Workload


def names(values: Iterable[str]) -> str:
    """A list of names as stored."""
    return json.dumps(list(values), ensure_ascii=False)


def to_names(text: str) -> tuple[str, ...]:
    """A list of names as read back."""
    return tuple(json.loads(text))


def to_agent(row: Row[Any]) -> AgentView:
    return AgentView(
        row.id,
        row.name,
        row.unit,
        to_names(row.roles),
        row.sponsor,
        row.owner,
        row.supervisor,
        row.parent,
        row.site,
        row.revision,
        row.rate_per_minute,
        row.created_at,
        State(row.stage),
        row.suspended,
        row.contained,
        row.tokens_since,
    )


def to_person(row: Row[Any]) -> PersonView:
    return PersonView(
        row.name,
        row.display_name,
        row.email,
        to_names(row.roles),
        to_names(row.access),
        row.manager,
        row.external_subject,
        row.state,
        row.password_hash is not None,
        row.user_name,
    )


def to_credential(row: Row[Any]) -> Credential:
    return Credential(row.id, row.agent, row.kind, row.created_at, row.expires_at, row.revoked_at, row.issued_by)


def workload(one: Workload) -> str:
    """A workload as stored with the credential it makes; the same text for the same workload."""
    return json.dumps([one.provider, one.subject, sorted(one.claims)], ensure_ascii=False)


def to_workload(text: str) -> Workload:
    provider, subject, claims = json.loads(text)
    return Workload(provider, subject, tuple((name, value) for name, value in claims))


def to_delegation(row: Row[Any]) -> Delegation:
    return Delegation(
        row.id,
        row.from_agent,
        row.to_agent,
        frozenset(to_names(row.tools)),
        row.expires_at,
        row.revoked_at,
        row.granted_by,
    )


def to_containment(row: Row[Any]) -> Containment:
    return Containment(
        row.id,
        row.scope,
        row.target,
        row.reason,
        row.by,
        row.at,
        row.lifted_at,
        row.lifted_by,
        row.lift_reason,
    )


def to_signing_key(row: Row[Any]) -> SigningKey:
    return SigningKey(row.kid, bytes(row.public), row.created_at, row.retired_at)
