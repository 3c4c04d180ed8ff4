"""Programs that connectors speak to over pipes: started without a shell, seeing only what is declared, ended for good.

Beside each stands a process of ours (`launch.py`) that ends it with everything it has started, be it in a session of
its own, also when this process is gone. It works in an empty folder that is removed afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import launching
from .launching import cannot_start

GRACE_S = 1.0  # for a program to end by itself once its input is closed, and again once it is asked to
PASSED_ON = ("PATH", "SYSTEMROOT")
"""What every program sees of our own environment: where programs are, and nothing that is ours."""

PROCESSES = 256  # that a program may be at once, with those it started; a server that serves long needs no more
LIMITS = {
    "core": 0
}  # of memory or time there is none: it runs for days, and some runtimes reserve far more than they use


class Child:
    """A running program. One task reads its lines, any may write."""

    def __init__(self, process: Process, transport: asyncio.SubprocessTransport, folder: Path, heard: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._transport = transport
        self._folder = folder
        self._heard = heard
        self._input = process.stdin
        self._output = process.stdout

    @property
    def pid(self) -> int:
        """The process beside the program, which lives as long as the program does."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None and not self._input.is_closing()

    async def write(self, line: bytes) -> None:
        """Send one line. Raises OSError where nobody reads any more."""
        self._input.write(line + b"\n")
        await self._input.drain()

    async def line(self) -> bytes:
        """The next line without its end; empty at the end of everything. Raises ValueError for one that is too long."""
        return (await self._output.readline()).rstrip(b"\r\n")

    @property
    def at_end(self) -> bool:
        """Whether everything the program wrote has been read."""
        return self._output.at_eof()

    def why_over(self) -> str:
        """Why its output has ended, as far as is known by then."""
        try:
            report = launching.reported(self._heard)
        except BlockingIOError:
            report = None
        if report is not None and report.word == "failed":
            return f"it cannot be started: {os.strerror(report.number)}"
        return (report.excess if report is not None else None) or "its output ended"

    async def end(self, at_once: bool = False) -> None:
        """Close its input, ask it to end (not `at_once`), then kill it and everything it started."""
        self._input.close()
        try:
            for asked in () if at_once else (False, True):
                if asked:
                    launching.ask_to_end(self._process)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE_S):
                        await self._process.wait()
                        break
        finally:
            os.close(self._heard)
            await launching.end(self._process)
            # Output that nobody has read must not keep us.
            self._transport.close()
            await self._process.wait()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


async def start(argv: Sequence[str], environment: Mapping[str, str], longest: int) -> Child:
    """Start a program; `longest` are the bytes one line of its output may have. Raises Unreachable.

    What it writes to its error stream is dropped: it may hold what we must not keep.
    """
    heard, said = os.pipe()
    os.set_blocking(heard, False)
    try:
        command = launching.command(argv, said, PROCESSES, LIMITS, environment.get("PATH"))
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="autonomy-"))
        try:
            process, transport = await _spawn(command, environment, folder, said, longest)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
    except BaseException:
        os.close(heard)
        raise
    finally:
        os.close(said)
    return Child(process, transport, folder, heard)


async def _spawn(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, report: int, longest: int
) -> tuple[Process, asyncio.SubprocessTransport]:
    seen = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    seen |= {"LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder), **environment}
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=longest, loop=loop),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=seen,
            cwd=folder,
            pass_fds=(report,),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise cannot_start(str(error.strerror) if isinstance(error, OSError) else "its arguments hold NUL") from None
    return Process(transport, protocol, loop), transport
