"""What must hold of memory spaces, and of the names of the system itself. Pure: an organisation in, problems out."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.kernel import clock

from .memory_space import Audience, Embedding, MemorySpaceSpec
from .model import ConnectorSpec, HttpConnector
from .organisation import Organisation, Revision, spec
from .own_tools import GOAL, is_own
from .problem import Problem, about


def spaces(organisation: Organisation) -> Iterator[Problem]:
    """A space has readers and writers, keeps for some time, and holds no data that its unit may not touch."""
    for space in organisation.all("MemorySpace").values():
        said = spec(space, MemorySpaceSpec)
        for field, audience in (("readers", said.readers), ("writers", said.writers)):
            if not _names_anybody(audience):
                yield about(space, f"spec.{field}", f"it has no {field}", "name `agents`, `roles` or `units`")
        for field, length in (("retention", said.retention), ("freshness", said.freshness)):
            if length is not None and clock.duration(length) == 0:
                yield about(space, f"spec.{field}", "it is no time at all", "write for example `30d`")
        yield from _ungranted(organisation, space, said)
        if said.embedding is not None:
            yield from _unfit_embedding(organisation, space, said, said.embedding)


def reserved(organisation: Organisation) -> Iterator[Problem]:
    """Nobody declares a tool or a connector under a name of the system's own."""
    for kind in ("Connector", "Tool"):
        for revision in organisation.all(kind).values():
            if is_own(revision.name) and not organisation.is_own(kind, revision.name):
                message = f"`{revision.name}` is a name of the system itself"
                yield about(revision, "metadata.name", message, "choose another name")
    for revision in organisation.all("Workflow").values():
        if revision.name == GOAL or revision.name.startswith(f"{GOAL}."):
            message = f"`{revision.name}` is a name of goals"
            yield about(revision, "metadata.name", message, "choose another name")


def _names_anybody(audience: Audience) -> bool:
    return bool(audience.agents or audience.roles or audience.units)


def _ungranted(organisation: Organisation, space: Revision, said: MemorySpaceSpec) -> Iterator[Problem]:
    for index, tag in enumerate(said.data):
        if tag != "*" and not organisation.grants_data(space.unit, [tag]):
            message = f"the unit `{space.unit}` may not touch data of the class `{tag}`"
            yield about(space, f"spec.data[{index}]", message, "leave it out, or grant it to the unit under `data`")


def _unfit_embedding(
    organisation: Organisation, space: Revision, said: MemorySpaceSpec, embedding: Embedding
) -> Iterator[Problem]:
    """Its endpoint is one that the system may ask by itself, at a place where the space may be, about data it holds."""
    for index, tag in enumerate(embedding.data):
        if "*" not in (tag, *said.data) and tag not in said.data:
            message = f"the space holds no data of the class `{tag}`"
            yield about(space, f"spec.embedding.data[{index}]", message, "leave it out, or add it to `spec.data`")
    if "{" in embedding.path:
        yield about(space, "spec.embedding.path", "nothing is filled in here", "write the path as it is")
    if clock.duration(embedding.timeout) == 0:
        yield about(space, "spec.embedding.timeout", "it is no time at all", "write for example `2s`")
    if found := organisation.get("Connector", embedding.connector):
        yield from _unfit_connector(space, said, spec(found, ConnectorSpec))


def _unfit_connector(space: Revision, said: MemorySpaceSpec, connector: ConnectorSpec) -> Iterator[Problem]:
    field, use = "spec.embedding.connector", connector.use
    if not isinstance(use, HttpConnector):
        yield about(space, field, f"it is of the type `{use.type}`", "name a connector of the type `http`")
    elif any("{" in secret for secret in _secrets(use)):
        yield about(space, field, "it shows a secret of whoever acts, and nobody does", "name one that all share")
    if said.residency and connector.site not in said.residency:
        where = f"at `{connector.site}`" if connector.site else "anywhere"
        message = f"the space is kept to {', '.join(f'`{each}`' for each in said.residency)}; this performs {where}"
        yield about(space, field, message, "name a connector whose `site` is one of the space's `residency`")


def _secrets(use: HttpConnector) -> Iterator[str]:
    """The names of the secrets the connector shows."""
    oauth = use.oauth
    more = (oauth.clientSecret, oauth.refreshToken, oauth.subjectToken, oauth.actorToken) if oauth else ()
    yield from (each for each in (use.credential, use.certificate, use.authorities, *more) if each)
