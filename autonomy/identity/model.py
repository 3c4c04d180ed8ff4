"""The words of identity: units, people, agents, what they hold and what holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from .permissions import Permission

CredentialKind = Literal["client_secret", "api_key", "public_key", "federated"]
"""What an agent shows: a secret, an API key, a signature by its own key, or a token of a declared identity provider."""

PersonState = Literal["active", "inactive", "offboarded"]
"""Whether a person may sign in: `inactive` until the identity provider says otherwise, `offboarded` for good."""

GrantKind = Literal["access", "role"]
Scope = Literal["agent", "unit", "tool", "everything"]
Suspension = Literal["", "person", "sponsor"]
"""Why an agent is suspended: not at all, by a person's decision, or because its sponsor has left."""


class State(StrEnum):
    """Where an agent stands. Only `pilot` and `active` agents may act."""

    DRAFT = "draft"
    PILOT = "pilot"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CONTAINED = "contained"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit as declared; `parent` is None for the root only."""

    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person as declared. `access` names console roles (`ROLES`), `roles` names business roles.

    `user_name` names the SCIM account that says who this is; name, e-mail and subject are then none of the declaration.
    """

    name: str
    display_name: str = ""
    email: str = ""
    roles: tuple[str, ...] = ()
    access: tuple[str, ...] = ("viewer",)
    manager: str | None = None
    external_subject: str | None = None
    user_name: str | None = None
    provider: str | None = None
    """The identity provider whose account `user_name` is."""


@dataclass(frozen=True, slots=True)
class GroupGrant:
    """What members of a group at an identity provider hold here: an `access` or a business `role`."""

    provider: str
    group: str
    kind: GrantKind
    value: str


@dataclass(frozen=True, slots=True)
class Workload:
    """Who at an identity provider is an agent here: the subject, and what further claims must say."""

    provider: str
    subject: str
    claims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """An agent as declared. `parent` is the name of another agent, `revision` the digest of the declaration."""

    name: str
    unit: str
    roles: tuple[str, ...]
    sponsor: str
    owner: str
    supervisor: str
    revision: str
    parent: str | None = None
    site: str | None = None
    rate_per_minute: int = 600
    pilot: bool = False
    """Whether it begins as a pilot, to be promoted by a person, rather than active."""
    workloads: tuple[Workload, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent as stored. `id` is its SPIFFE id, `parent` the id of another agent."""

    id: str
    name: str
    unit: str
    roles: tuple[str, ...]
    sponsor: str
    owner: str
    supervisor: str
    parent: str | None
    site: str | None
    revision: str
    rate_per_minute: int
    created_at: int
    stage: State
    """Draft, pilot, active or retired: where it stands when neither suspended nor contained."""
    suspended: Suspension
    contained: bool
    tokens_since: int
    """Tokens issued under an identity epoch before this one are revoked."""

    @property
    def state(self) -> State:
        """The state in force: retired before contained before suspended before the stage beneath."""
        if self.stage is State.RETIRED:
            return State.RETIRED
        if self.contained:
            return State.CONTAINED
        return State.SUSPENDED if self.suspended else self.stage


@dataclass(frozen=True, slots=True)
class Caller:
    """Who performs an action, as admitted at one identity epoch.

    `chain` holds the acting agent first, then the agent that delegated to it, and so on to the one all of it is done
    for. Every member must be entitled to what the caller does. `tools` are the exact names that the delegations
    leave, None where nothing was delegated. `delegations[i]` is the grant from `chain[i + 1]` to `chain[i]`.
    `accountable` names the sponsors and owners behind the chain, parents included.
    """

    agent_id: str
    name: str
    state: State
    revision: str
    unit: str
    roles: tuple[str, ...]
    sponsor: str
    owner: str
    supervisor: str
    site: str | None
    rate_per_minute: int
    chain: tuple[AgentView, ...]
    tools: frozenset[str] | None
    delegations: tuple[str, ...]
    accountable: frozenset[str]
    credential: str

    def may_use(self, tool: str) -> bool:
        """Whether the delegations leave `tool`; always true where the caller acts for itself."""
        return self.tools is None or tool in self.tools


@dataclass(frozen=True, slots=True)
class PersonCaller:
    """A signed-in person and everything they may do here."""

    name: str
    display_name: str
    roles: tuple[str, ...]
    access: tuple[str, ...]
    permissions: frozenset[Permission]

    @property
    def actor(self) -> str:
        """How the log names them."""
        return f"person:{self.name}"


@dataclass(frozen=True, slots=True)
class PersonView:
    name: str
    display_name: str
    email: str
    roles: tuple[str, ...]
    access: tuple[str, ...]
    manager: str | None
    external_subject: str | None
    state: PersonState
    has_password: bool
    user_name: str | None
    """The SCIM account that says who this is; None where the manifest does."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an agent authenticates with; never the secret, never its hash."""

    id: str
    agent: str
    kind: CredentialKind
    created_at: int
    expires_at: int
    revoked_at: int | None
    issued_by: str


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A new credential. The secret is shown here and nowhere else, ever."""

    id: str
    agent: str
    kind: CredentialKind
    expires_at: int
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delegation:
    """`to_agent` may use `tools` for `from_agent` until `expires_at`."""

    id: str
    from_agent: str
    to_agent: str
    tools: frozenset[str]
    expires_at: int
    revoked_at: int | None
    granted_by: str


@dataclass(frozen=True, slots=True)
class Authority:
    """What a chain of delegations leaves: exact tool names, and until when (milliseconds)."""

    tools: frozenset[str]
    expires_at: int


@dataclass(frozen=True, slots=True)
class Containment:
    """A stop in force until a person lifts it. `target` is an agent's id, a unit, a tool, or `*` for everything."""

    id: str
    scope: Scope
    target: str
    reason: str
    by: str
    at: int
    lifted_at: int | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key under which tokens are verified until `retired_at`; None while it also signs."""

    kid: str
    public: bytes
    created_at: int
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """The answer of the token endpoint (RFC 6749 section 5.1, RFC 8693 section 2.2)."""

    access_token: str = field(repr=False)
    expires_in: int
    """Seconds."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }


@dataclass(frozen=True, slots=True)
class Projection:
    """What projecting a declaration did. `ended` names agents and people still declared although they ended here."""

    created: dict[str, str]
    """New agents: name to SPIFFE id."""
    retired: tuple[str, ...]
    offboarded: tuple[str, ...]
    ended: tuple[str, ...]
    keys: tuple[tuple[str, str], ...] = ()
    """Ids and names of the service keys that ended with their identity provider."""


@dataclass(frozen=True, slots=True)
class Offboarding:
    """What a person's leaving did. `known_to_them` lists live credentials whose secret they saw: rotate them."""

    suspended: tuple[str, ...]
    credentials_revoked: int
    known_to_them: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One line of an access review: who, with which roles, answerable to whom, by what means."""

    kind: Literal["agent", "person"]
    name: str
    state: str
    unit: str | None
    roles: tuple[str, ...]
    access: tuple[str, ...]
    sponsor: str | None
    owner: str | None
    supervisor: str | None
    live_credentials: int
    acts_for: tuple[str, ...]
