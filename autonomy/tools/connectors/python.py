"""Python connectors: functions and classes of installed packages, by entry point.

An entry point in the group `autonomy.connectors` is a function, or a class made once without arguments, that takes
(function name, arguments, Invocation) and returns JSON or a Result. It may be async; else it runs in a thread. It
raises Refused, Stale, Unreachable or Unsure to say what is known; any other error leaves a write in doubt.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from typing import Any, cast

from msgspec.structs import replace

from autonomy.catalog.model import Call, PythonConnector
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid

from ..attempt import Attempt
from ..credential import Credential
from ..errors import Unreachable, Unsure
from ..model import Invocation, Result
from ..outbound import Outbound
from ..workers import Workers

GROUP = "autonomy.connectors"
THREADS = 8  # of one connector; work that hangs stays in them, and the breaker opens before all are taken

Function = Callable[[str, Mapping[str, Json], Invocation], Any]
Load = Callable[[str], Any]


class PythonFunction:
    """One installed entry point."""

    def __init__(self, name: str, spec: PythonConnector, outbound: Outbound, load: Load) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound
        self._load = load
        self._function: Function | None = None
        self._is_async = False
        self._workers = Workers(f"python-{name}", THREADS)

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """What the function returns."""
        if call.function is None:
            raise Invalid("the tool declares no function", code="call.mismatch")
        if self._function is None:
            self._function = _callable(self._load(self._spec.entryPoint))
            self._is_async = _is_async(self._function)
        credential = await self._outbound.credential(self._spec.credential)
        ready = replace(invocation, credential=credential) if credential else invocation
        try:
            returned = await self._call(self._function, call.function, arguments, ready, attempt)
            return _result(returned, credential)
        except AutonomyError as error:
            raise (_scrubbed(error, credential) if credential else error) from None
        except Exception as error:  # noqa: BLE001 - a stranger's code; its text may hold credentials, its class does not
            raise self._broken(type(error).__name__, attempt) from None

    async def close(self) -> None:
        self._workers.close()

    async def _call(
        self, function: Function, name: str, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt
    ) -> Any:
        if self._is_async:
            attempt.commit()
            return await function(name, arguments, invocation)
        return await self._workers.run(partial(_started, attempt, partial(function, name, arguments, invocation)))

    def _broken(self, kind: str, attempt: Attempt) -> Unreachable | Unsure:
        if attempt.write and attempt.is_committed:
            return Unsure(f"connector `{self._name}` failed with {kind}")
        return Unreachable(f"connector `{self._name}` failed with {kind}", code="upstream.failed")


def load_entry_point(name: str) -> Any:
    """The object installed under `name`; raises Unreachable (`connector.missing`)."""
    found = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        raise Unreachable(
            f"{len(found)} packages offer the entry point `{name}`",
            code="connector.missing",
            hint=f"install one package with it in the group `{GROUP}`",
        )
    return found[0].load()


def installed() -> frozenset[str]:
    """The names of every installed entry point of the group."""
    return frozenset(point.name for point in entry_points(group=GROUP))


def _callable(loaded: Any) -> Function:
    function = loaded() if inspect.isclass(loaded) else loaded
    if not callable(function):
        raise Unreachable("the entry point is not callable", code="connector.missing")
    return cast(Function, function)


def _is_async(function: Function) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _started(attempt: Attempt, work: Callable[[], Any]) -> Any:
    attempt.commit()  # from here on only the function knows what it has done
    return work()


def _result(returned: Any, credential: Credential | None) -> Result:
    """What was returned, as JSON, without the credential; raises Invalid for what is not JSON."""
    result = returned if isinstance(returned, Result) else Result(returned)
    text = canonical.encode(result.value).decode()
    shown = credential.scrub(text) if credential else text
    return result if shown == text else replace(result, value=json.loads(shown))


def _scrubbed(error: AutonomyError, credential: Credential) -> AutonomyError:
    """The error with its words as they may be shown; its class and code say what is known, its details stay behind."""
    return type(error)(credential.scrub(error.message), code=error.code, hint=credential.scrub(error.hint))
