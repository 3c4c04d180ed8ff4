"""Calls to systems of record: each with a deadline, through its breaker, and with an answer the gate can act upon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from autonomy.catalog.mcp_server import McpConnector
from autonomy.catalog.model import Call, ConnectorSpec, FactSpec, HttpConnector, SqlConnector
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.services import OpenApiConnector
from autonomy.catalog.systems import MailConnector, ProcessConnector, WebhookConnector
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.deadline import within
from autonomy.kernel.errors import AutonomyError, Busy, Invalid, Overdue, Unavailable

from . import drift, rules
from .attempt import Abandoned, Attempt
from .breaker import Breaker, monotonic
from .calls import kept, question
from .connectors.http import HttpInterface
from .connectors.openapi import OpenApiInterface
from .connectors.python import Load, PythonFunction, load_entry_point
from .connectors.sql import SqlConnection
from .errors import Refused, Unreachable, Unsure
from .keyring import Places, Reveal
from .model import Invocation, Reconciled, Result
from .oauth import Keep
from .outbound import Outbound, Providers
from .ports import Answers, Connector, Elsewhere, NoAnswers, Told, Wordings
from .registry import Tool
from .secret_names import named_secrets, places_in, places_of

FACTS_S = 0.5  # all facts of one action together, in seconds

Arguments = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class _Line:
    """A connector in one wording, with its breaker and the seconds one call may take."""

    revision: Revision
    connector: Connector
    breaker: Breaker
    timeout: float
    site: str


class Connectors:
    """Every connector of the organisation in force. Used from one event loop; `close` it at the end.

    `organisation` gives the snapshot in force, `reveal` a credential by name (`Secrets.reveal`), `load` a Python entry
    point; `folder` holds relative SQLite files, `reserved` are files no connector may open, `programs` says what may be
    started; `wordings` remembers where an MCP server drifts; `keep` stores a renewed refresh token, `providers` are
    stores of secrets beside our own; `answers` tells what comes in at hooks; `places` says whose secrets are meant
    where an agent acts, as the organisation does by itself; `site` is where this process is, `elsewhere` performs what
    belongs to other sites; `clock` is monotonic ms.
    """

    def __init__(
        self,
        organisation: Callable[[], Organisation],
        reveal: Reveal,
        folder: Path,
        *,
        reserved: Collection[Path] = (),
        programs: Collection[str] = (),
        wordings: Wordings | None = None,
        load: Load = load_entry_point,
        keep: Keep | None = None,
        providers: Providers | None = None,
        answers: Answers | None = None,
        places: Places | None = None,
        site: str = "",
        elsewhere: Elsewhere | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._organisation = organisation
        self._places = places or (lambda agent: places_of(organisation(), agent))
        self._outbound = Outbound(
            reveal,
            folder,
            reserved,
            programs=programs,
            places=self._places,
            keep=keep,
            providers=providers,
        )
        self._wordings = drift.Unremembered() if wordings is None else wordings
        self._answers = answers or NoAnswers()
        self._site = site
        self._elsewhere = elsewhere
        self._load = load
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def call(self, tool: Tool, arguments: Arguments, invocation: Invocation) -> Result:
        """Do what the tool declares.

        Raises Refused or its Stale (nothing happened), Unreachable (nothing was changed) or Unsure (a write that may
        have happened), and nothing else. A write that is cancelled is in doubt
        (CancelledError) unless nothing had been sent (Unreachable).
        """
        return await self._run(tool.connector, tool.spec.call, arguments, invocation, tool.effect != "read")

    async def reconcile(self, tool: Tool, arguments: Arguments, invocation: Invocation) -> Reconciled:
        """Ask the system of record whether the write with `invocation.action_id` happened. Raises as `call` does."""
        if tool.spec.reconcile is None:
            raise Invalid(f"tool `{tool.name}` cannot be asked", code="tool.no_reconcile")
        try:
            result = await self._run(tool.connector, tool.spec.reconcile, arguments, invocation, False)
        except Refused as error:
            if error.code != "upstream.not_found":
                raise
            return Reconciled("absent")
        return Reconciled("happened", result.value) if rules.happened(result.value) else Reconciled("absent")

    async def facts(
        self, tool: Tool, arguments: Arguments, invocation: Invocation, timeout_s: float = FACTS_S
    ) -> dict[str, int | str | bool]:
        """Every declared fact, looked up at once, the same question once; money in minor units of the base currency.

        Raises Unavailable: `fact.unavailable` where one could not be looked up just now, `fact.failed` where it is
        missing without a default, of another type, or refused.
        """
        declared = tool.spec.facts
        if not declared:
            return {}
        within = Invocation(invocation.action_id, invocation.agent, timeout_s)
        asked: dict[tuple[str, str], asyncio.Task[Result]] = {}

        def ask(spec: FactSpec) -> asyncio.Task[Result]:
            connector = spec.connector or tool.connector
            text, call = question(spec)
            if (connector, text) not in asked:
                asked[connector, text] = asyncio.create_task(self._run(connector, call, arguments, within, False))
            return asked[connector, text]

        try:
            found = await asyncio.gather(*(self._fact(name, spec, ask(spec)) for name, spec in declared.items()))
            return dict(zip(declared, found, strict=True))
        finally:
            for lookup in asked.values():
                lookup.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)

    def breakers(self) -> dict[str, Breaker]:
        """The circuit breaker of every connector that was called since it was declared."""
        return {name: line.breaker for name, line in self._lines.items()}

    def forget(self, name: str) -> None:
        """Let go of one connector, once the calls under way there have their answers."""
        if (line := self._lines.pop(name, None)) is not None:
            self._retire(line)

    async def close(self) -> None:
        """Let go of every connection and thread."""
        for line in self._lines.values():
            await line.connector.close()
        self._lines.clear()
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._outbound.close()

    async def _fact(self, name: str, spec: FactSpec, lookup: asyncio.Task[Result]) -> int | str | bool:
        try:
            found = await _look_up(spec, lookup)
            if isinstance(found, rules.Missing):
                raise Invalid("nothing was found", code="fact.missing", hint="declare a `default`")
            return rules.fact(spec.type, found, self._organisation().currency)
        except AutonomyError as error:
            passing = isinstance(error, Unavailable | Overdue | Busy)
            code = "fact.unavailable" if passing else "fact.failed"
            raise Unavailable(f"the fact `{name}` failed: {error.message}", code=code, fact=name) from None

    async def perform(self, name: str, call: Call, arguments: Arguments, invocation: Invocation, write: bool) -> Result:
        """Do what a declared call says on the connector `name`, in this process. Raises as `call` does."""
        return await self._here(self._line(name), name, call, arguments, invocation, write)

    async def ask(self, name: str, call: Call, arguments: Arguments, invocation: Invocation) -> Result:
        """Ask something for the system itself, for no action. Raises as `call` does; Unreachable (`site.elsewhere`)
        where the connector performs only at another site, whose workers act for actions alone."""
        line = self._line(name)
        if line.site not in ("", self._site):
            raise Unreachable(f"`{name}` performs only at the site `{line.site}`", code="site.elsewhere")
        return await self._here(line, name, call, arguments, invocation, False)

    async def _run(self, name: str, call: Call, arguments: Arguments, invocation: Invocation, write: bool) -> Result:
        """Here or, where the connector has another site, there."""
        line = self._line(name)
        if invocation.connector not in ("", line.revision.digest):
            raise Unreachable(f"`{name}` was declared anew since this was decided", code="connector.moved")
        if line.site in ("", self._site):
            return await self._here(line, name, call, arguments, invocation, write)
        if self._elsewhere is None:
            raise Unreachable(f"`{name}` performs only at the site `{line.site}`", code="site.elsewhere")
        told = await asyncio.to_thread(self._told, line.revision, call, invocation.agent)
        try:
            return await self._elsewhere.perform(line.revision, line.site, call, arguments, invocation, write, told)
        except Refused as error:
            if call.tool is not None and (found := drift.found_by(error)) is not None:
                await asyncio.to_thread(self._wordings.note, name, call.tool.name, call.tool.wording, found)
            raise

    def _told(self, connector: Revision, call: Call, agent: str) -> Told:
        """What the site has to be told. Blocks on the store where the call is of an MCP server."""
        named = {
            place for _, secret in named_secrets(spec(connector, ConnectorSpec).use) for place in places_in(secret)
        }
        places = {place: whose for place, whose in self._places(agent).items() if place in named}
        tool = call.tool
        return Told(places, self._wordings.accepted(connector.name, tool.name, tool.wording) if tool else None)

    async def _here(
        self, line: _Line, name: str, call: Call, arguments: Arguments, invocation: Invocation, write: bool
    ) -> Result:
        line.breaker.enter()
        attempt = Attempt(write, min(invocation.deadline_s, line.timeout))
        try:
            result = await _in_time(line.connector.run(call, arguments, invocation, attempt), name, attempt)
        except (Refused, Unreachable, Unsure) as error:
            line.breaker.note(error)
            raise
        except AutonomyError as error:
            raise _unfit(error, name, attempt) from None
        line.breaker.note(None)
        return result

    def _line(self, name: str) -> _Line:
        """The connector as declared now; one that was declared anew is built anew, the old one ends by itself."""
        revision = self._organisation().get("Connector", name)
        if revision is None:
            raise Unreachable(f"there is no connector `{name}`", code="connector.unknown")
        line = self._lines.get(name)
        if line is None or line.revision.digest != revision.digest:
            if line is not None:
                self._retire(line)
            line = self._lines[name] = self._build(revision)
        return line

    def _build(self, revision: Revision) -> _Line:
        declared = spec(revision, ConnectorSpec)
        connector = self._connector(revision.name, declared)
        timeout = clock.duration(declared.use.timeout) / 1000
        return _Line(revision, connector, Breaker(revision.name, self._clock), timeout, declared.site or "")

    def _connector(self, name: str, declared: ConnectorSpec) -> Connector:
        # Kinds that few organisations declare are loaded where they are declared.
        use = declared.use
        if isinstance(use, SqlConnector):
            return SqlConnection(name, use, self._outbound)
        if isinstance(use, HttpConnector):
            return HttpInterface(name, use, self._outbound)
        if isinstance(use, OpenApiConnector):
            return OpenApiInterface(name, use, self._outbound)
        if isinstance(use, McpConnector):
            from .connectors.mcp import McpServer  # noqa: PLC0415

            return McpServer(name, use, self._outbound, self._wordings)
        if isinstance(use, ProcessConnector):
            from .connectors.process import Process  # noqa: PLC0415

            return Process(name, use, self._outbound)
        if isinstance(use, WebhookConnector):
            from .connectors.webhook import Webhook  # noqa: PLC0415

            return Webhook(name, use, self._outbound, self._answers, clock.now)
        if isinstance(use, MailConnector):
            from .connectors.mail import Mail  # noqa: PLC0415

            return Mail(name, use, self._outbound, clock.now)
        return PythonFunction(name, use, self._outbound, self._load)

    def _retire(self, line: _Line) -> None:
        task = asyncio.create_task(_close_later(line))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _look_up(spec: FactSpec, lookup: asyncio.Task[Result]) -> Json | rules.Missing:
    try:
        found = rules.single(kept(spec, (await lookup).value))
    except Refused as error:
        if error.code != "upstream.not_found":
            raise
        found = rules.MISSING
    return spec.default if isinstance(found, rules.Missing) and spec.default is not None else found


async def _close_later(line: _Line) -> None:
    try:
        await asyncio.sleep(line.timeout)  # calls in flight end within it
    finally:
        await line.connector.close()


async def _in_time(work: Awaitable[Result], name: str, attempt: Attempt) -> Result:
    """What `work` returns, or what its silence means."""
    try:
        with within(attempt.seconds_left):
            return await work
    except (TimeoutError, Abandoned):
        nothing_happened = attempt.abandon() or not attempt.write
    except AutonomyError:
        raise
    except asyncio.CancelledError:
        if attempt.abandon() and attempt.write:
            raise Unreachable("stopped before anything was changed", code="upstream.stopped") from None
        raise
    except Exception as error:  # noqa: BLE001 - whatever broke, the gate must hear whether it may have happened
        raise _broken(name, type(error).__name__, attempt) from None
    if nothing_happened:
        raise Unreachable(f"`{name}` did not answer in time; nothing was changed", code="upstream.overdue")
    raise Unsure(f"`{name}` did not answer in time")


def _unfit(error: AutonomyError, name: str, attempt: Attempt) -> Refused | Unsure:
    """What was asked cannot be sent, or what came back cannot be used."""
    if attempt.write and not attempt.abandon():
        return Unsure(f"`{name}` did it and returned something unusable: {error.message}")
    return Refused(error.message, code=error.code, hint=error.hint)


def _broken(name: str, kind: str, attempt: Attempt) -> Unreachable | Unsure:
    if attempt.abandon() or not attempt.write:
        return Unreachable(f"connector `{name}` failed with {kind}", code="upstream.failed")
    return Unsure(f"connector `{name}` failed with {kind}")
