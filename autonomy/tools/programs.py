"""The only place that starts programs, and puts a credential into what they get. No shell is ever between.

Each runs under limits of files, and of CPU, memory and processes that hold for it with everything it has started; with
no variable and no descriptor it was not given; beside a process of ours (`launch.py`) that ends it with all of them, be
they in a session of their own. It runs as the server's own user: what is not trusted that far belongs to another user,
or to a site of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from autonomy.catalog.systems import ProcessConnector
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

from . import launching
from .admitted import Admitted
from .attempt import Attempt
from .credential import Credential
from .launching import MEGABYTE, Report, cannot_start

STDERR_BYTES = 8_192  # what it complains about; the rest is read and dropped


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
        told = _told(order, spec, credential)
        heard, said = os.pipe()
        try:
            line = launching.command([spec.program, *order.arguments], said, spec.processes, _limits(spec))
            attempt.commit()
            process = await self._start(spec, line, order, said, credential)
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(said)
        try:
            return await _ended(process, told, heard, spec, credential)
        finally:
            os.close(heard)
            await launching.end(process)

    async def _start(
        self, spec: ProcessConnector, line: Sequence[str], order: Order, report: int, credential: Credential | None
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *line,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._folder / spec.folder,
                env=_environment(spec, order, credential),
                pass_fds=(report,),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = str(error.strerror) if isinstance(error, OSError) else "a value holds what none may hold"
            raise cannot_start(reason) from None


def _limits(spec: ProcessConnector) -> dict[str, int]:
    """What each of its processes may use at most, and of memory and CPU time all of them together."""
    return {
        "cpu": spec.cpuSeconds,
        "as": spec.memoryMegabytes * MEGABYTE,
        "nofile": spec.openFiles,
        "fsize": spec.fileMegabytes * MEGABYTE,
        "core": 0,
    }


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
    # Where nothing is said, somebody killed who would have said it.
    report = launching.reported(heard) or Report("ended", -signal.SIGKILL)
    if report.word == "failed":
        raise cannot_start(os.strerror(report.number))
    if report.excess is not None:
        return Ended(-signal.SIGKILL, None, report.excess)
    return Ended(report.number, _scrubbed(stdout, credential), _shown(stderr, credential))


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
            launching.tell_to_end(process)
            return None
    return bytes(found)


async def _complaints(stream: asyncio.StreamReader) -> bytes:
    """The end of what it writes to stderr."""
    found = b""
    while chunk := await stream.read(65_536):
        found = (found + chunk)[-STDERR_BYTES:]
    return found


def _scrubbed(stdout: bytes | None, credential: Credential | None) -> bytes | None:
    if stdout is None or credential is None:
        return stdout
    return credential.scrub(stdout.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _shown(stderr: bytes, credential: Credential | None) -> str:
    text = stderr.decode("utf-8", "replace").strip()
    return credential.scrub(text) if credential else text
