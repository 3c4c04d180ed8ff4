"""Programs: started for each call with declared arguments, told and heard as JSON or text, judged by how they end."""

from __future__ import annotations

from collections.abc import Mapping

from autonomy.catalog.model import Call
from autonomy.catalog.systems import ProcessConnector, ProcessRun
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from ..attempt import Attempt
from ..errors import Refused, Stale, Unreachable, Unsure, excerpt
from ..model import Invocation, Result
from ..outbound import Outbound
from ..places import fill
from ..programs import Ended, Order


class Process:
    """One declared program."""

    def __init__(self, name: str, spec: ProcessConnector, outbound: Outbound) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """The JSON it writes to stdout, or `{"text": …}`."""
        if call.run is None:
            raise Invalid("the tool declares nothing to run", code="call.mismatch")
        order = compose(call.run, arguments, invocation)
        credential = await self._outbound.credential(self._spec.credential, invocation.agent)
        ended = await self._outbound.programs.run(self._spec, order, attempt, credential)
        return Result(meaning(self._name, call.run, ended, attempt.write))

    async def close(self) -> None:
        """Nothing is kept between calls."""


def compose(run: ProcessRun, arguments: Mapping[str, Json], invocation: Invocation) -> Order:
    """What is started for `arguments`. Raises Invalid (`arguments.invalid`) for values that would not be values."""
    named = {**arguments, "action_id": invocation.action_id, "agent": invocation.agent}
    written = [_argument(template, fill(template, named)) for template in run.arguments]
    said: dict[str, Json] | None = None
    if run.stdin == "arguments":
        said = {"arguments": dict(arguments), "action": invocation.action_id, "agent": invocation.agent}
    return Order(written, said, invocation.action_id, invocation.agent)


def _argument(template: str, text: str) -> str:
    """An argument of the program. A value must not become an option, nor end the argument."""
    if "\0" in text or (template.startswith("{") and text.startswith("-")):
        raise Invalid(
            "an argument would be read as an option of the program",
            code="arguments.invalid",
            hint="send a value that does not begin with `-`",
        )
    return text


def meaning(name: str, run: ProcessRun, ended: Ended, write: bool) -> Json:
    """The value of a good ending; raises Refused, Stale, Unreachable or Unsure as the exit code says."""
    if ended.code == 0:
        return _value(name, run, ended, write)
    said = f": {excerpt(ended.stderr)}" if ended.stderr else ""
    if ended.code in run.stale:
        raise Stale(f"`{name}` says the record has changed{said}")
    if ended.code in run.absent:
        raise Refused(f"`{name}` knows no such thing", code="upstream.not_found")
    if ended.code in run.refused:
        raise Refused(f"`{name}` refused with exit code {ended.code}{said}")
    how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with exit code {ended.code}"
    if write:
        raise Unsure(f"`{name}` {how}{said}")
    raise Unreachable(f"`{name}` {how}{said}", code="upstream.failed")


def _value(name: str, run: ProcessRun, ended: Ended, write: bool) -> Json:
    try:
        if ended.stdout is None:
            raise TooLarge("it wrote more than is admitted", code="result.too_large")
        if run.output == "text":
            return {"text": ended.stdout.decode()}
        return canonical.parse(ended.stdout, max_bytes=len(ended.stdout) + 1) if ended.stdout.strip() else None
    except (Invalid, TooLarge, UnicodeDecodeError) as error:
        said = error.message if isinstance(error, (Invalid, TooLarge)) else "the text is not UTF-8"
        if write:
            raise Unsure(f"`{name}` did it and wrote something unusable: {said}") from None
        raise Unreachable(f"`{name}` wrote something unusable: {said}", code="upstream.failed") from None
