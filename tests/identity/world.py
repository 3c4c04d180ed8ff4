"""The organisation of these tests.

Units: company above finance and operations, finance above payables. Ana sponsors the agents of finance, Ben those of
operations; Cleo is the administrator. `clerk` is the parent of `helper`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from autonomy.audit import read_leaf
from autonomy.audit.store import newest, read_head
from autonomy.db import CommitQueue, Database
from autonomy.identity import AgentRecord, AgentView, Identity, PersonRecord, UnitRecord
from autonomy.identity.model import IssuedCredential, Projection
from autonomy.identity.proof import Secret
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import AutonomyError

ISSUER = "https://autonomy.example"
MCP = "https://autonomy.example/mcp"
KEY = bytes(range(32))
PASSWORD = "correct horse battery"

UNITS = [
    UnitRecord("company"),
    UnitRecord("finance", "company"),
    UnitRecord("payables", "finance"),
    UnitRecord("operations", "company"),
]
PEOPLE = [
    PersonRecord("ana", "Ana A", "ana@example.com", ("finance-manager",), ("approver",), "cleo"),
    PersonRecord("ben", "Ben B", "ben@example.com", ("operations-lead",), ("supervisor", "viewer"), "cleo"),
    PersonRecord("cleo", "Cleo C", "cleo@example.com", (), ("admin",), None, "https://idp.example|cleo"),
]


def agent_record(name: str, unit: str, sponsor: str, parent: str | None = None, roles: Sequence[str] = ("buyer",)):
    """An agent that its sponsor also owns."""
    return AgentRecord(name, unit, tuple(roles), sponsor, sponsor, "finance-manager", f"digest-of-{name}", parent)


AGENTS = [
    agent_record("clerk", "payables", "ana"),
    agent_record("helper", "payables", "ana", "clerk"),
    agent_record("buyer", "operations", "ben"),
    agent_record("planner", "operations", "ben"),
]

PROVIDERS = ("corporate", "other")


@dataclass
class World:
    identity: Identity
    database: Database
    queue: CommitQueue
    time: list[int]

    def later(self, milliseconds: int) -> None:
        self.time[0] += milliseconds

    @property
    def now(self) -> int:
        return self.time[0]

    @property
    def epoch(self) -> int:
        with self.database.reading() as connection:
            return read_head(connection)[3]

    def agent(self, name: str) -> AgentView:
        return self.identity.agent(name)

    def project(self, units=UNITS, people=PEOPLE, agents=AGENTS, retire=(), offboard=(), grants=()) -> Projection:
        return self.queue.run(
            lambda tx: self.identity.project(
                tx, "example.org", units, people, agents, retire, offboard, "person:cleo", grants, PROVIDERS
            )
        )

    def declare(self, name: str, **changes: object) -> None:
        self.project(agents=[replace(one, **changes) if one.name == name else one for one in AGENTS])

    def client(self, agent: str) -> IssuedCredential:
        return self.identity.issue_credential(agent, "client_secret", "person:cleo", 30 * DAY)

    def api_key(self, agent: str) -> str:
        return self.identity.issue_credential(agent, "api_key", "person:cleo", 30 * DAY).secret

    def token(self, agent: str, *resources: str, act_for: str | None = None) -> str:
        client = self.client(agent)
        return self.identity.token(Secret(client.id, client.secret), resources, act_for).access_token

    def refusal(self, bearer: str) -> str:
        """The code with which `bearer` is refused; fails the test where it is admitted."""
        return code_of(lambda: self.identity.admit(bearer, self.epoch))

    def leaves(self) -> list[dict]:
        with self.database.reading() as connection:
            return [read_leaf(body) for _, body in newest(connection, 1_000)]

    def last_leaf(self) -> dict:
        return self.leaves()[-1]


def make_world(database: Database, queue: CommitQueue) -> World:
    time = [1_800_000_000_000]
    identity = Identity(database, queue, lambda: time[0], KEY, ISSUER, [MCP])
    world = World(identity, database, queue, time)
    world.project()
    return world


def other_process(world: World) -> Identity:
    """Another process on the same database: nothing in its memory."""
    return Identity(world.database, world.queue, lambda: world.time[0], KEY, ISSUER, [MCP])


def code_of(call) -> str:
    with pytest.raises(AutonomyError) as caught:
        call()
    return caught.value.code
