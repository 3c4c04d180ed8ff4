"""The only place that starts programs, and puts a credential into what they get. No shell is ever between.

Each runs under limits of CPU, memory, files and processes, with no variable and no descriptor it was not given, beside
a process of ours (`launch.py`) that ends it with everything it has started, be it in a session of its own. It runs as
the server's own user: what is not trusted that far belongs to another user, or to a site of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from autonomy.catalog.systems import ProcessConnector
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

from .admitted import Admitted
from .attempt import Attempt
from .credential import Credential
from .errors import Unreachable
from .launch import descendants

STDERR_BYTES = 8_192  # what it complains about; the rest is read and dropped
GONE_S = 1.0  # how long a program that was told to end is waited for, with all it has started
REPORT_BYTES = 64
MEGABYTE = 1_048_576

_LAUNCH = Path(__file__).with_name("launch.py")


class Order(NamedTuple):
    """What one call runs: arguments after the program's name, an object for its stdin, whose action it is."""

    arguments: Sequence[str]
    said: dict[str, Json] | None
    action: str
    agent: str


class Ended(NamedTuple):
    """How a program ended: its exit code (negative: by that signal) and what it wrote, without the credential.

    `stdout` is None where it wrote more than was admitted, for which it was killed.
    """

    code: int
    stdout: bytes | None
    stderr: str


class Programs:
    """Starts programs that the operator has admitted."""

    def __init__(self, admitted: Admitted, folder: Path) -> None:
        self._admitted = admitted
        self._folder = folder

    async def run(self, spec: ProcessConnector, order: Order, attempt: Attempt, credential: Credential | None) -> Ended:
        """Run the program to its end. Whoever stops waiting kills it, with all that it has started.

        Raises Unreachable (`program.not_admitted` among them) where nothing was started.
        """
        self._admitted.require([spec.program, *order.arguments])
        path = _path(spec.program)
        told = _told(order, spec, credential)
        attempt.commit()
        heard, said = os.pipe()
        try:
            process = await self._start(spec, path, order, said, credential)
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(said)
        try:
            return await _ended(process, told, heard, spec, credential)
        finally:
            os.close(heard)
            await _end(process)

    async def _start(
        self, spec: ProcessConnector, path: str, order: Order, report: int, credential: Credential | None
    ) -> asyncio.subprocess.Process:
        ours = [sys.executable, "-I", "-S", str(_LAUNCH), str(report), str(spec.processes), _limits(spec)]
        command = [*ours, path, *order.arguments]
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._folder / spec.folder,
                env=_environment(spec, order, credential),
                pass_fds=(report,),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a value holds what none may hold"
            raise Unreachable(f"the program cannot be started: {reason}", code="program.missing") from None


def _path(program: str) -> str:
    """Where the program is. Raises Unreachable (`program.missing`)."""
    path = program if os.path.isabs(program) else shutil.which(program) if os.sep not in program else None
    if path is None or not os.access(path, os.X_OK) or not os.path.isfile(path):
        raise Unreachable(f"there is no program `{program[:80]}`", code="program.missing")
    return path


def _limits(spec: ProcessConnector) -> str:
    limits = {
        "cpu": spec.cpuSeconds,
        "as": spec.memoryMegabytes * MEGABYTE,
        "nofile": spec.openFiles,
        "fsize": spec.fileMegabytes * MEGABYTE,
        "core": 0,
    }
    return ",".join(f"{name}={value}" for name, value in limits.items())


def _environment(spec: ProcessConnector, order: Order, credential: Credential | None) -> dict[str, str]:
    """What the program is given, and nothing else."""
    found = {name: os.environ[name] for name in spec.inherit if name in os.environ}
    found |= spec.environment | {"AUTONOMY_ACTION": order.action, "AUTONOMY_AGENT": order.agent}
    if credential is not None and spec.credentialVariable is not None:
        found[spec.credentialVariable] = credential.reveal()
    return found


def _told(order: Order, spec: ProcessConnector, credential: Credential | None) -> bytes:
    """What goes to its stdin; nothing where nothing was declared to."""
    said = order.said
    if credential is not None and spec.credentialVariable is None:
        said = {**(said or {}), "credential": credential.reveal()}
    return canonical.encode(said) + b"\n" if said is not None else b""


async def _ended(
    process: asyncio.subprocess.Process, told: bytes, heard: int, spec: ProcessConnector, credential: Credential | None
) -> Ended:
    assert process.stdin and process.stdout and process.stderr
    _, stdout, stderr = await asyncio.gather(
        _tell(process.stdin, told),
        _read(process, process.stdout, spec.maxBytes),
        _complaints(process.stderr),
    )
    await process.wait()
    word, number = _reported(os.read(heard, REPORT_BYTES))
    if word == "failed":
        raise Unreachable(f"the program cannot be started: {os.strerror(number)}", code="program.missing")
    if word == "crowd":
        return Ended(-signal.SIGKILL, None, f"it started more than {number} processes")
    return Ended(number, _scrubbed(stdout, credential), _shown(stderr, credential))


def _reported(said: bytes) -> tuple[str, int]:
    """How the program ended, in a word and a number. Where nothing is said, somebody killed who would have said it."""
    word, _, number = said.decode().partition("\n")[0].partition(" ")
    return (word, int(number)) if said else ("ended", -signal.SIGKILL)


async def _tell(stdin: asyncio.StreamWriter, told: bytes) -> None:
    """Write to the program, which need not listen."""
    with suppress(ConnectionError, BrokenPipeError):
        stdin.write(told)
        await stdin.drain()
    stdin.close()


async def _read(process: asyncio.subprocess.Process, stream: asyncio.StreamReader, limit: int) -> bytes | None:
    """All it writes; None, and the program is killed, where it is more than `limit`."""
    found = bytearray()
    while chunk := await stream.read(65_536):
        found += chunk
        if len(found) > limit:
            _tell_to_end(process)
            return None
    return bytes(found)


async def _complaints(stream: asyncio.StreamReader) -> bytes:
    """The end of what it writes to stderr."""
    found = b""
    while chunk := await stream.read(65_536):
        found = (found + chunk)[-STDERR_BYTES:]
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the program with all it has started, and wait until it is gone."""
    _tell_to_end(process)
    try:
        async with asyncio.timeout(GONE_S):
            await process.wait()
    except TimeoutError:
        # The process beside it is stopped, or cannot keep up: no more is asked of it.
        for each in (*descendants(process.pid), process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)


def _tell_to_end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()


def _scrubbed(stdout: bytes | None, credential: Credential | None) -> bytes | None:
    if stdout is None or credential is None:
        return stdout
    return credential.scrub(stdout.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _shown(stderr: bytes, credential: Credential | None) -> str:
    text = stderr.decode("utf-8", "replace").strip()
    return credential.scrub(text) if credential else text
