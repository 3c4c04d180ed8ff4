"""Systems beside databases and HTTP services: programs, webhooks, mail, and the hooks at which systems call us."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .words import (
    BaseUrl,
    Duration,
    Email,
    EventType,
    FieldPath,
    Line,
    Name,
    Recipients,
    SecretName,
    SharedSecret,
    Strict,
    Text,
    Variable,
    fault,
)

ExitCode = Annotated[int, Field(ge=1, le=255)]


class ProcessConnector(Strict):
    """A program on the machine, started anew for each call, without a shell."""

    type: Literal["process"]
    program: Text = Field(description="an absolute path, or a name on the server's `PATH`; it must be admitted")
    folder: Text = Field(".", description="where it runs; a relative path is meant within the data folder")
    environment: dict[Variable, Line] = Field({}, description="variables it gets; no others but those of `inherit`")
    inherit: list[Variable] = Field(["PATH", "LANG"], description="variables of the server that it gets too")
    credential: SecretName | None = Field(None, description="the secret it gets; `erp/{agent}`: each agent's own")
    credentialVariable: Variable | None = Field(
        None, description="the variable the credential goes into; it stands in the object on stdin when absent"
    )
    timeout: Duration = "30s"
    maxBytes: int = Field(1_048_576, ge=1, le=67_108_864, description="of what it writes to stdout")
    cpuSeconds: int = Field(
        60,
        ge=1,
        le=3_600,
        description="of CPU time, user's and system's, for each of its processes, and on Linux for it with all it has"
        " started, measured a few times a second",
    )
    memoryMegabytes: int = Field(
        1_024,
        ge=16,
        le=65_536,
        description="of addresses for each of its processes; on Linux also of memory held by it with all it has"
        " started, shared memory counted once, swapped memory too, measured a few times a second",
    )
    openFiles: int = Field(256, ge=8, le=65_536, description="for each of its processes")
    processes: int = Field(64, ge=1, le=4_096, description="how many it may be at once, with those it started")
    fileMegabytes: int = Field(256, ge=0, le=65_536, description="the largest file it may write")


class ProcessRun(Strict):
    """How the program is started. It finds the action's id in `AUTONOMY_ACTION`, the agent in `AUTONOMY_AGENT`."""

    arguments: list[Line] = Field(
        [], max_length=64, description="`{argument}` is replaced; one that begins with it gets no value that begins `-`"
    )
    stdin: Literal["arguments", "none"] = Field(
        "none", description="`arguments`: a JSON object with `arguments`, `action` and `agent`"
    )
    output: Literal["json", "text"] = "json"
    refused: list[ExitCode] = Field([], description="exit codes that mean: refused, nothing happened")
    stale: list[ExitCode] = Field([], description="exit codes that mean: the record has changed, nothing happened")
    absent: list[ExitCode] = Field([], description="exit codes that mean: there is no such thing")


class WebhookConnector(Strict):
    """A system that is told by signed HTTP posts (Standard Webhooks)."""

    type: Literal["webhook"]
    url: BaseUrl
    credential: SharedSecret = Field(description="secret holding the signing key, as it is or as `whsec_` and base64")
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    timeout: Duration = "10s"
    maxBytes: int = Field(65_536, ge=1, le=67_108_864)


class WebhookPost(Strict):
    """One post: `type`, `timestamp`, `action` and the arguments as `data`. Its `webhook-id` is the action's id."""

    event: EventType = Field(description="the `type` the receiver reads")
    answer: Name | None = Field(
        None, description="the hook at which the answer comes in; the action waits for it until its deadline"
    )


class MailConnector(Strict):
    """A mail server that takes messages (SMTP)."""

    type: Literal["mail"]
    host: Text
    port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    credential: SharedSecret | None = Field(None, description="secret holding the password of `user`")
    sender: Email = Field(description="the address every message is from")
    recipients: list[Recipients] = Field(min_length=1, description="who may be written to: addresses, `*@domain`")
    certificates: Text | None = Field(None, description="a file of certificates to trust instead of the system's")
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    timeout: Duration = "30s"

    @model_validator(mode="after")
    def _password_is_not_sent_in_clear(self) -> MailConnector:
        if (self.user is None) != (self.credential is None):
            raise fault("`user` and `credential` belong together", "declare both or neither")
        if self.security == "none" and self.credential is not None:
            raise fault("a password would be sent in clear", "use `starttls` or `tls`")
        return self


class MailMessage(Strict):
    """A template: `{argument}` is replaced in every field, escaped in `html`."""

    to: list[Text] = Field(min_length=1, max_length=50, description="addresses, or `{argument}`")
    cc: list[Text] = Field([], max_length=50)
    replyTo: Email | None = None
    subject: Text
    text: Text
    html: Text | None = None


OtherSystem = ProcessConnector | WebhookConnector | MailConnector


class HookSpec(Strict):
    """An address, `/hooks/NAME`, at which another system tells us something by signed posts, each taken once."""

    scheme: Literal["standard", "github"] = Field(
        "standard", description="Standard Webhooks, or GitHub's `X-Hub-Signature-256`, which proves no time"
    )
    credential: SharedSecret = Field(description="secret holding the signing key, as it is or as `whsec_` and base64")
    tolerance: Duration = Field("5m", description="how far the sender's clock may be from ours")
    action: FieldPath | None = Field(None, description="where a delivery names the action it answers")
    subject: FieldPath | None = Field(None, description="where a delivery names whom its data is about, for erasure")
    key: FieldPath | None = Field(None, description="where a delivery names what waiting runs know it by")
    trust: Literal["trusted", "untrusted"] = Field(
        "untrusted", description="whether what it begins or reaches may act as if no stranger had written it"
    )
    maxBytes: int = Field(262_144, ge=1, le=1_048_576)
    ratePerMinute: int = Field(600, ge=1, le=1_000_000)
