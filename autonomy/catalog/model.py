"""The words an organisation declares itself in: one pydantic model per kind of manifest.

A manifest is `apiVersion: autonomy/v1`, `kind`, `metadata` (name, unit, description, labels) and the kind's `spec`.
Policies are `.cedar` files; their header comments become `PolicySpec`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from .budget import BudgetSpec
from .decision import DecisionSpec
from .expectation import Expectation, RoleBaseline
from .identity_provider import FederatedIdentity, IdentityProviderSpec
from .mcp_server import McpConnector, McpTool
from .memory_space import MemorySpaceSpec
from .services import HttpRequest, HttpService, OpenApiConnector, OperationCall
from .systems import HookSpec, MailMessage, OtherSystem, ProcessRun, WebhookPost
from .words import (
    Access,
    Amount,
    ArgumentName,
    BaseUrl,
    CurrencyCode,
    Duration,
    Email,
    Field_,
    Name,
    Pattern,
    Pointer,
    Rate,
    SecretName,
    SharedSecret,
    SocketFolder,
    Strict,
    Text,
    TrustDomain,
    exactly_one,
    fault,
)
from .workflow import WorkflowSpec

API_VERSION = "autonomy/v1"

Effect = Literal["read", "write-keyed", "write-queryable", "write-neither"]
Risk = Literal["low", "medium", "high", "critical"]
Mode = Literal["enforce", "warn", "shadow"]
FactType = Literal["integer", "string", "boolean", "money"]


class Metadata(Strict):
    name: Name
    unit: Name | None = Field(None, description="the unit that declares this; the root unit when absent")
    description: str = ""
    labels: dict[Name, str] = Field({})


class UnitSpec(Strict):
    """A part of the organisation. Units form a tree; below the root they may only tighten."""

    parent: Name | None = None
    tools: list[Pattern] = Field(["*"], description="tools this unit may use, within what its parent may use")
    data: list[Name] = Field(["*"], description="data tags this unit may touch, within its parent's")
    trustDomain: TrustDomain | None = Field(None, description="SPIFFE trust domain; root only")
    currency: CurrencyCode | None = Field(None, description="base currency, ISO 4217; root only")
    rates: dict[CurrencyCode, Rate] = Field(
        {}, description="what one unit of a currency is worth in the base currency; root only"
    )

    @model_validator(mode="after")
    def _rates_are_positive(self) -> UnitSpec:
        for code, rate in self.rates.items():
            if Decimal(rate) == 0:
                raise fault(f"the rate of `{code}` is zero", "say what one unit of it is worth in the base currency")
        return self


class RoleScope(Strict):
    tools: list[Pattern]
    data: list[Name] = Field([])


class RoleSpec(Strict):
    """What a position is for and where it ends. No agent becomes active without one."""

    scope: RoleScope
    responsibilities: list[Text] = Field(min_length=1)
    decisionBoundaries: list[Text] = Field(min_length=1)
    escalationTargets: list[Name] = Field(min_length=1, description="roles that decide what this one may not")
    expectations: list[Expectation] = Field(min_length=1)
    baseline: RoleBaseline | None = Field(None, description="what a piece of this work costs when a person does it")


class PersonSpec(Strict):
    """A human being: accountable as sponsor, deciding as holder of roles, seeing what `access` admits."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["displayName", "email"]}, {"required": ["userName"]}]}
    )

    displayName: Text | None = None
    email: Email | None = None
    userName: Text | None = Field(
        None, description="SCIM account of this person; name, e-mail and subject are then the identity provider's"
    )
    provider: Name | None = Field(
        None, description="identity provider whose account that is; to be named where several are declared"
    )
    roles: list[Name] = Field([], description="business roles held, such as `finance-manager`; approvals ask for these")
    access: list[Access] = Field(["viewer"])
    manager: Name | None = None
    externalSubject: str | None = Field(None, description="`issuer|subject` at the identity provider")

    @model_validator(mode="after")
    def _has_one_owner(self) -> PersonSpec:
        own = {"displayName": self.displayName, "email": self.email, "externalSubject": self.externalSubject}
        said = [name for name, value in own.items() if value is not None]
        if self.userName is not None and said:
            raise fault(f"`{said[0]}` belongs to the SCIM account `{self.userName}`", f"leave out `{said[0]}`")
        if self.userName is None and self.provider is not None:
            raise fault("`provider` says whose account `userName` names", "name the account as well")
        if self.userName is None and (self.displayName is None or self.email is None):
            raise fault("`displayName` and `email` are needed", "write both, or the `userName` of a SCIM account")
        return self


class CallSpec(Strict):
    """Where an agent is called with its next task, by a signed post (Standard Webhooks); it answers at `/v1/tasks`."""

    url: BaseUrl
    credential: SharedSecret = Field(description="secret holding the signing key, as it is or as `whsec_` and base64")
    lease: Duration = Field("60s", description="how long it may be silent; 1 second to 1 hour")
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")


class AgentSpec(Strict):
    """One agent: labour with a role, one accountable sponsor, an owner and a supervising role."""

    roles: list[Name] = Field(min_length=1)
    sponsor: Name = Field(description="the one person accountable for what this agent does")
    owner: Name = Field(description="the person whose work this is; often the sponsor")
    supervisor: Name = Field(description="the role whose holders supervise this agent")
    parent: Name | None = Field(None, description="the agent this one is a child of; it ends with its parent")
    site: Name | None = Field(None, description="where it works: rules may ask for it, and the record says it")
    ratePerMinute: int = Field(600, ge=1, le=1_000_000)
    federated: list[FederatedIdentity] = Field([], max_length=10, description="workloads outside that are this agent")
    capabilities: list[Name] = Field(
        [], max_length=50, description="what it is able to do; tasks may ask for one of these"
    )
    tasksAtOnce: int = Field(1, ge=1, le=100, description="tasks it may have in hand at once")
    calledAt: CallSpec | None = Field(None, description="where it is called with its tasks, instead of asking for them")


class SqlConnector(Strict):
    type: Literal["sql"]
    url: str | None = Field(None, description="`sqlite:///file` or `postgresql://host/db`, without a password")
    credential: SharedSecret | None = Field(None, description="secret holding the whole URL or the password")
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    security: Literal["tls", "none"] = Field(
        "tls", description="`tls`: the server proves its name; `none`: only what `allow` names, by SCRAM or no password"
    )
    certificates: Text | None = Field(None, description="a file of certificates to trust instead of the system's")
    socket: SocketFolder | None = Field(
        None, description="the folder of a PostgreSQL server's Unix socket, in place of a host in the URL"
    )
    maxRows: int = Field(1_000, ge=1, le=100_000)
    timeout: Duration = "5s"

    @model_validator(mode="after")
    def _reachable(self) -> SqlConnector:
        if self.url is None and self.credential is None:
            raise fault("neither `url` nor `credential` says where the database is", "give a `url`")
        if self.socket is not None and (self.allow or self.certificates or self.security == "none"):
            raise fault("a Unix socket has no address and no TLS", "declare `socket` alone")
        if self.security == "none" and self.certificates is not None:
            raise fault("without TLS no certificate is looked at", "leave `certificates` out, or `security`")
        if self.security == "none" and not self.allow:
            raise fault("without TLS only an address is reached that `allow` names", "name the server's in `allow`")
        return self


class HttpConnector(HttpService):
    type: Literal["http"]
    headers: dict[str, str] = Field({}, description="headers that every request carries; no secrets")


class PythonConnector(Strict):
    type: Literal["python"]
    entryPoint: Name = Field(description="name in the entry-point group `autonomy.connectors`")
    credential: SecretName | None = None
    timeout: Duration = "10s"


class ConnectorSpec(Strict):
    """A system of record and how to reach it, integrated once for every agent."""

    use: Annotated[
        SqlConnector | HttpConnector | OpenApiConnector | PythonConnector | McpConnector | OtherSystem,
        Field(discriminator="type"),
    ]
    site: Name | None = Field(None, description="performs only in processes of this site; anywhere when absent")


class Statement(Strict):
    sql: Text
    expectRows: int | None = Field(
        None, ge=0, description="rows a write must touch; any other number undoes and refuses it"
    )


class Call(Strict):
    """What a connector does: exactly one of these, as its type needs."""

    statements: list[Statement] | None = Field(None, min_length=1)
    request: HttpRequest | None = None
    function: Text | None = None
    operation: Text | OperationCall | None = Field(None, description="an operation of the connector's document")
    tool: McpTool | None = None
    run: ProcessRun | None = None
    post: WebhookPost | None = None
    mail: MailMessage | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Call:
        exactly_one(**dict(self))
        return self

    @property
    def way(self) -> str:
        """The name of the one field that is given."""
        return next(name for name, value in self if value is not None)

    @property
    def operation_call(self) -> OperationCall | None:
        """The operation in its long form."""
        return OperationCall(id=self.operation) if isinstance(self.operation, str) else self.operation


class FactSpec(Strict):
    """A read-only look-up made before the decision and recorded with it: one value from one statement or request."""

    connector: Name | None = Field(None, description="the tool's own connector when absent")
    sql: Text | None = None
    request: HttpRequest | None = None
    function: Text | None = None
    operation: Text | OperationCall | None = None
    select: Pointer | None = Field(None, description="where the value stands in the answer")
    type: FactType
    default: int | str | bool | None = Field(None, description="the value when the look-up finds nothing; none: deny")

    @model_validator(mode="after")
    def _one_way(self) -> FactSpec:
        exactly_one(sql=self.sql, request=self.request, function=self.function, operation=self.operation)
        return self

    @property
    def operation_call(self) -> OperationCall | None:
        """The operation in its long form."""
        return OperationCall(id=self.operation) if isinstance(self.operation, str) else self.operation

    @model_validator(mode="after")
    def _default_fits(self) -> FactSpec:
        if self.default is not None and type(self.default) not in _FACT_VALUES[self.type]:
            raise fault(f"the default is not of the type `{self.type}`", f"write a default of the type `{self.type}`")
        return self


class RecordSpec(Strict):
    """The record an operation changes, so that two agents do not change it at once."""

    kind: Name
    key: ArgumentName = Field(description="argument that names the record")
    version: ArgumentName | None = Field(None, description="argument with the version the agent has seen")
    current: Field_ | None = Field(None, description="fact with the version in force; must equal `version`")


class WindowSpec(Strict):
    """A count or sum over a sliding time, this action included, kept in the intent's own transaction."""

    over: Duration
    sum: ArgumentName | None = Field(None, description="argument to add up; counts actions when absent")
    by: list[str] = Field(["agent"], description="`agent`, `unit`, `record`, or `arguments.NAME`")


class CheckSpec(Strict):
    """Whether a write had its effect: looked up some time later, and judged by an expression."""

    after: Duration = Field("0s", description="how long after the action it is looked, at most `30d`")
    facts: dict[Field_, FactSpec] = Field(min_length=1, max_length=20)
    expect: Text = Field(description="CEL over `facts`, `arguments` and `result`: true where the effect is there")


class CostSpec(Strict):
    """What one call costs at worst. Money is an argument or a fixed price; tokens likewise."""

    amount: ArgumentName | Amount | None = None
    currency: ArgumentName | None = Field(None, description="argument with the currency; the base currency when absent")
    tokens: ArgumentName | int | None = None

    @property
    def is_moved(self) -> bool:
        """Whether the money is what the action moves, such as the amount of an order, and not the price of a call."""
        return self.amount is not None and not self.amount[0].isdigit()


class ToolSpec(Strict):
    """An approved operation: what it takes, what it does to the world, what it may cost."""

    connector: Name
    call: Call
    input: dict[str, Any] | None = Field(
        None,
        description="JSON Schema 2020-12 of the arguments, an object; the document's where an operation needs none",
    )
    output: dict[str, Any] | None = None
    effect: Effect
    egress: bool = Field(False, description="a read that carries data out counts as a write for policy")
    risk: Risk = "low"
    record: RecordSpec | None = None
    facts: dict[Field_, FactSpec] = Field({})
    windows: dict[Field_, WindowSpec] = Field({})
    cost: CostSpec = CostSpec()
    tags: list[Name] = Field([], description="classes of the data it touches, such as `pii`, `finance`")
    trust: Literal["trusted", "untrusted"] = Field("untrusted", description="label on what it returns")
    subject: ArgumentName | None = Field(
        None, description="argument that names the person or company the data is about"
    )
    reconcile: Call | None = Field(
        None, description="asks by `:action_id` whether a write happened; needed by write-queryable"
    )
    reconcileBy: Literal["action", "state"] = Field(
        "action",
        description="`state`: asks whether the record is as the write leaves it; for writes whose repeat does nothing",
    )
    check: CheckSpec | None = Field(None, description="finds out later whether a write had its effect")
    deadline: Duration = "10s"
    mask: list[Field_] = Field([], description="fields an `@obligation_mask` may name")

    @model_validator(mode="after")
    def _says_what_it_takes(self) -> ToolSpec:
        if self.input is None and self.call.operation is None:
            raise fault("`input` is missing", "write the JSON Schema of the arguments, `type: object` at its top")
        return self

    @property
    def lookups(self) -> Iterator[tuple[str, FactSpec]]:
        """Everything that is looked up for this tool, with the field that says so."""
        checked = self.check.facts if self.check else {}
        for field, facts in (("spec.facts", self.facts), ("spec.check.facts", checked)):
            yield from ((f"{field}.{name}", fact) for name, fact in sorted(facts.items()))


class PolicySpec(Strict):
    """One `.cedar` file: its text, where it came from and whether it decides, warns or only watches."""

    text: Text
    mode: Mode = "enforce"


SPECS: dict[str, type[Strict]] = {
    "Unit": UnitSpec,
    "Role": RoleSpec,
    "IdentityProvider": IdentityProviderSpec,
    "Person": PersonSpec,
    "Agent": AgentSpec,
    "Connector": ConnectorSpec,
    "Tool": ToolSpec,
    "Workflow": WorkflowSpec,
    "Hook": HookSpec,
    "MemorySpace": MemorySpaceSpec,
    "Decision": DecisionSpec,
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


_FACT_VALUES = {"integer": (int,), "string": (str,), "boolean": (bool,), "money": (int, str)}
