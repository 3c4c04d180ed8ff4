"""Credentials of systems of record: set and replaced here, listed, never shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, SecretStr

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.secret_use import dated, secret_uses

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("secrets")

Reader = Annotated[PersonCaller, allowed(Permission.TOOLS_SECRET_READ)]
Writer = Annotated[PersonCaller, allowed(Permission.TOOLS_SECRET_WRITE)]


class Value(Asked):
    value: SecretStr = Field(description="kept encrypted; no answer ever holds it")


class VersionAnswer(Answer):
    name: str
    version: int


class SecretAnswer(VersionAnswer):
    """One version of a secret. `retired_at` is null for the one in force."""

    created_at: int
    created_by: str
    retired_at: int | None


@router.get("/secrets", summary="secrets, never their values")
def list_secrets(_person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[SecretAnswer]:
    """Every version of every secret."""
    items, following = page(here.system.secrets.list(), lambda one: f"{one.name}/{one.version:010}", after, limit)
    return Page(items=[SecretAnswer.model_validate(one) for one in items], next=following)


class SecretUseAnswer(Answer):
    """A secret and an agent that can use it. Where `agent` is null, `purposes` says what else does (`hook/NAME`,
    `identity-provider/NAME`, `letters`); nobody can where that is empty, too. `sites` are those whose workers keep it.
    `stored` is null where it lies with a provider or at sites alone, `last_used` where the record holds no action of
    the agent with one of the tools, no delivery at the hook.
    """

    secret: str
    agent: str | None
    connectors: list[str]
    tools: list[str]
    purposes: list[str]
    sites: list[str]
    stored: bool | None
    last_used: int | None


@router.get("/secret-audit", summary="who can use which secret, and last did")
async def audit_secrets(
    _person: Reader,
    here: Here,
    agent: Annotated[str | None, Query(max_length=63)] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[SecretUseAnswer]:
    """Agents by their tools, tools by their connectors, connectors by the secrets they name; and the system itself."""
    system = here.system
    house = await system.watch.house()
    versions = await run_in_threadpool(system.secrets.list)
    stored = {one.name for one in versions if one.retired_at is None}
    set_up = system.settings.mail, system.settings.site
    found = await run_in_threadpool(secret_uses, house.organisation, house.registry, stored, *set_up)
    wanted = (one for one in found if agent in (None, one.agent))
    items, following = page(wanted, lambda one: f"{one.secret} {one.agent or ''}", after, limit)
    shown = await system.database.read(lambda connection: dated(connection, items))
    return Page(items=[SecretUseAnswer.model_validate(one) for one in shown], next=following)


@router.put("/secrets/{name:path}", summary="store a secret")
def set_secret(name: str, asked: Value, person: Writer, here: Here) -> VersionAnswer:
    """A new secret, or a new version of one."""
    version = here.system.secrets.set(name, asked.value.get_secret_value(), person.actor)
    return VersionAnswer(name=name, version=version)


@router.post("/secrets/{name:path}/rotate", summary="replace a secret that exists", responses=refusals(404))
def rotate_secret(name: str, asked: Value, person: Writer, here: Here) -> VersionAnswer:
    """The version before is forgotten."""
    version = here.system.secrets.rotate(name, asked.value.get_secret_value(), person.actor)
    return VersionAnswer(name=name, version=version)
