"""From what is declared to what lives by it, in the change's own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autonomy import tools
from autonomy.catalog import Organisation, Revision
from autonomy.catalog.federation import account_provider
from autonomy.catalog.identity_provider import IdentityProviderSpec
from autonomy.catalog.model import AgentSpec, PersonSpec, UnitSpec
from autonomy.catalog.organisation import spec
from autonomy.catalog.ports import Projector
from autonomy.db import Tx
from autonomy.identity import AgentRecord, Identity, PersonRecord, UnitRecord
from autonomy.identity.model import GroupGrant, Workload
from autonomy.kernel.clock import Clock
from autonomy.tools.quarantine import accept


def projector(identity: Identity, clock: Clock) -> Projector:
    """Carries what is declared into identity and pins the tools' wordings, in the change's own transaction."""

    def project(tx: Tx, organisation: Organisation, written: Sequence[Revision], retired: Sequence[Revision]) -> None:
        gone = {kind: [revision.name for revision in retired if revision.kind == kind] for kind in ("Agent", "Person")}
        identity.project(
            tx,
            organisation.trust_domain,
            units=[UnitRecord(each.name, spec(each, UnitSpec).parent) for each in organisation.all("Unit").values()],
            people=[_person(each, organisation) for each in organisation.all("Person").values()],
            agents=[_agent(each) for each in organisation.all("Agent").values()],
            retire=gone["Agent"],
            offboard=gone["Person"],
            grants=[grant for each in organisation.all("IdentityProvider").values() for grant in _grants(each)],
            providers=organisation.all("IdentityProvider").keys(),
        )
        # Only what was written: a tool whose document changed under it waits for a person.
        declared = {revision.name for revision in written if revision.kind == "Tool"}
        if declared:
            found = tools.Registry.build(organisation).tools
            accept(tx, [found[name] for name in sorted(declared)], "system", clock())

    return project


def _person(revision: Revision, organisation: Organisation) -> PersonRecord:
    declared = spec(revision, PersonSpec)
    return PersonRecord(
        revision.name,
        declared.displayName or "",
        declared.email or "",
        tuple(declared.roles),
        tuple(declared.access),
        declared.manager,
        declared.externalSubject,
        declared.userName,
        account_provider(organisation, declared),
    )


def _grants(provider: Revision) -> Iterator[GroupGrant]:
    for each in spec(provider, IdentityProviderSpec).groups:
        yield from (GroupGrant(provider.name, each.group, "access", access) for access in each.access)
        yield from (GroupGrant(provider.name, each.group, "role", role) for role in each.roles)


def _agent(revision: Revision) -> AgentRecord:
    declared = spec(revision, AgentSpec)
    return AgentRecord(
        name=revision.name,
        unit=revision.unit,
        roles=tuple(declared.roles),
        sponsor=declared.sponsor,
        owner=declared.owner,
        supervisor=declared.supervisor,
        revision=revision.digest,
        parent=declared.parent,
        site=declared.site,
        rate_per_minute=declared.ratePerMinute,
        workloads=tuple(
            Workload(each.provider, each.subject, tuple(sorted(each.claims.items()))) for each in declared.federated
        ),
    )
