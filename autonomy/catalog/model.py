"""The words an organisation declares itself in: one pydantic model per kind of manifest.

A manifest is `apiVersion: autonomy/v1`, `kind`, `metadata` (name, unit, description, labels) and the kind's `spec`.
Policies are `.cedar` files; their header comments become `PolicySpec`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

API_VERSION = "autonomy/v1"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$")]
"""Lower case letters, digits, `-`, `_`, `.`; 1 to 63 characters."""

Field_ = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_.-]+(\.\*)?)$")]
"""A tool's name, `prefix.*`, or `*`."""

Duration = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(ms|s|m|h|d)$")]
Amount = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,6})?( [A-Z]{3})?$")]

Effect = Literal["read", "write-keyed", "write-queryable", "write-neither"]
Risk = Literal["low", "medium", "high", "critical"]
Period = Literal["hour", "day", "month"]
Measure = Literal["money", "calls", "tokens"]
Mode = Literal["enforce", "warn", "shadow"]
FactType = Literal["integer", "string", "boolean", "money"]
Access = Literal["admin", "approver", "auditor", "supervisor", "viewer"]


class Strict(BaseModel):
    """A part of a manifest: unknown fields are errors, values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Metadata(Strict):
    name: Name
    unit: Name | None = Field(None, description="the unit that declares this; the root unit when absent")
    description: str = ""
    labels: dict[Name, str] = {}


class UnitSpec(Strict):
    """A part of the organisation. Units form a tree; below the root they may only tighten."""

    parent: Name | None = None
    tools: list[Pattern] = Field(["*"], description="tools this unit may use, within what its parent may use")
    data: list[Name] = Field(["*"], description="data tags this unit may touch, within its parent's")
    trustDomain: str | None = Field(None, pattern=r"^[a-z0-9.-]{1,255}$", description="SPIFFE trust domain; root only")
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="base currency, ISO 4217; root only")
    rates: dict[str, str] = Field({}, description="what one unit of a currency is worth in the base currency; root only")


class RoleScope(Strict):
    tools: list[Pattern]
    data: list[Name] = []


class Expectation(Strict):
    measure: str
    target: str


class RoleSpec(Strict):
    """What a position is for and where it ends. No agent becomes active without one."""

    scope: RoleScope
    responsibilities: list[str] = Field(min_length=1)
    decisionBoundaries: list[str] = Field(min_length=1)
    escalationTargets: list[Name] = Field(min_length=1, description="roles that decide what this one may not")
    expectations: list[Expectation] = Field(min_length=1)


class PersonSpec(Strict):
    """A human being: accountable as sponsor, deciding as holder of roles, seeing what `access` admits."""

    displayName: str
    email: str
    roles: list[Name] = Field([], description="business roles held, such as `finance-manager`; approvals ask for these")
    access: list[Access] = ["viewer"]
    manager: Name | None = None
    externalSubject: str | None = Field(None, description="`issuer|subject` at the identity provider")


class AgentSpec(Strict):
    """One agent: labour with a role, one accountable sponsor, an owner and a supervising role."""

    roles: list[Name] = Field(min_length=1)
    sponsor: Name
    owner: Name
    supervisor: Name = Field(description="the role whose holders supervise this agent")
    parent: Name | None = Field(None, description="the agent this one is a child of; it ends with its parent")
    site: Name | None = None
    ratePerMinute: int = Field(600, ge=1, le=1_000_000)


class SqlConnector(Strict):
    type: Literal["sql"]
    url: str | None = Field(None, description="`sqlite:///file` or `postgresql://host/db`, without a password")
    credential: Name | None = Field(None, description="secret holding the whole URL or the password")
    maxRows: int = Field(1_000, ge=1, le=100_000)
    timeout: Duration = "5s"


class HttpConnector(Strict):
    type: Literal["http"]
    baseUrl: str = Field(pattern=r"^https?://")
    credential: Name | None = None
    header: str = Field("Authorization", description="the header the credential goes into")
    scheme: str = Field("Bearer", description="what stands before the credential in that header; may be empty")
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    timeout: Duration = "10s"
    maxBytes: int = Field(1_048_576, ge=1, le=67_108_864)


class PythonConnector(Strict):
    type: Literal["python"]
    entryPoint: Name = Field(description="name in the entry-point group `autonomy.connectors`")
    credential: Name | None = None
    timeout: Duration = "10s"


class ConnectorSpec(Strict):
    """A system of record and how to reach it, integrated once for every agent."""

    use: Annotated[SqlConnector | HttpConnector | PythonConnector, Field(discriminator="type")]


class Statement(Strict):
    sql: str
    expectRows: int | None = Field(None, description="rows a write must touch; any other number undoes and refuses it")


class HttpRequest(Strict):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = Field(pattern=r"^/", description="`{argument}` is replaced, percent-encoded")
    query: dict[str, Field_] = Field({}, description="query parameter → argument")
    body: Literal["arguments", "none"] = "none"
    idempotencyHeader: str | None = None


class Call(Strict):
    """What a connector does: exactly one of the three, as its type needs."""

    statements: list[Statement] | None = None
    request: HttpRequest | None = None
    function: str | None = None


class FactSpec(Strict):
    """A read-only look-up made before the decision and recorded with it: one value from one statement or request."""

    connector: Name | None = Field(None, description="the tool's own connector when absent")
    sql: str | None = None
    request: HttpRequest | None = None
    function: str | None = None
    type: FactType
    default: int | str | bool | None = Field(None, description="the value when the look-up finds nothing; none: deny")


class RecordSpec(Strict):
    """The record an operation changes, so that two agents do not change it at once."""

    kind: Name
    key: Field_ = Field(description="argument that names the record")
    version: Field_ | None = Field(None, description="argument with the version the agent has seen")
    current: Field_ | None = Field(None, description="fact with the version in force; must equal `version`")


class WindowSpec(Strict):
    """A count or sum over a sliding time, this action included, kept in the intent's own transaction."""

    over: Duration
    sum: Field_ | None = Field(None, description="argument to add up; counts actions when absent")
    by: list[str] = Field(["agent"], description="`agent`, `unit`, `record`, or `arguments.NAME`")


class CostSpec(Strict):
    """What one call costs at worst. Money is an argument or a fixed price; tokens likewise."""

    amount: Field_ | Amount | None = None
    currency: Field_ | None = Field(None, description="argument with the currency; the base currency when absent")
    tokens: Field_ | int | None = None


class ToolSpec(Strict):
    """An approved operation: what it takes, what it does to the world, what it may cost."""

    connector: Name
    call: Call
    input: dict[str, Any] = Field(description="JSON Schema 2020-12 of the arguments, an object")
    output: dict[str, Any] | None = None
    effect: Effect
    egress: bool = Field(False, description="a read that carries data out counts as a write for policy")
    risk: Risk = "low"
    record: RecordSpec | None = None
    facts: dict[Field_, FactSpec] = {}
    windows: dict[Field_, WindowSpec] = {}
    cost: CostSpec = CostSpec()  # type: ignore[call-arg]
    tags: list[Name] = Field([], description="classes of the data it touches, such as `pii`, `finance`")
    trust: Literal["trusted", "untrusted"] = Field("untrusted", description="label on what it returns")
    subject: Field_ | None = Field(None, description="argument that names the person or company the data is about")
    reconcile: Call | None = Field(None, description="asks by `:action_id` whether a write happened; needed by write-queryable")
    deadline: Duration = "10s"
    mask: list[Field_] = Field([], description="fields an `@obligation_mask` may name")


class BudgetScope(Strict):
    """Whom a limit binds: exactly one."""

    unit: Name | None = None
    agent: Name | None = None
    tool: Pattern | None = None


class BudgetSpec(Strict):
    """A hard limit over a calendar period in UTC: settled + reserved never exceed it."""

    scope: BudgetScope
    measure: Measure
    period: Period
    limit: Amount | int


class PolicySpec(Strict):
    """One `.cedar` file: its text, where it came from and whether it decides, warns or only watches."""

    text: str
    mode: Mode = "enforce"


SPECS: dict[str, type[Strict]] = {
    "Unit": UnitSpec,
    "Role": RoleSpec,
    "Person": PersonSpec,
    "Agent": AgentSpec,
    "Connector": ConnectorSpec,
    "Tool": ToolSpec,
    "Budget": BudgetSpec,
    "Policy": PolicySpec,
}
"""Every kind, in the order in which one refers to another."""


class Manifest(Strict):
    """One declared object. `spec` is the model that `kind` names."""

    kind: str
    metadata: Metadata
    spec: Any

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name, unique in the organisation."""
        return self.kind, self.metadata.name
