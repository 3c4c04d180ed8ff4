"""Programs that connectors speak to over pipes: started without a shell, seeing only what is declared, ended for good.

Each is the leader of a process group of its own, so that what it started ends with it. It works in an empty folder
that is removed afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import Unreachable

GRACE_S = 1.0  # for a program to end by itself once its input is closed, and again once it is asked to
PASSED_ON = ("PATH", "SYSTEMROOT")
"""What every program sees of our own environment: where programs are, and nothing that is ours."""


class Child:
    """A running program. One task reads its lines, any may write."""

    def __init__(self, process: Process, transport: asyncio.SubprocessTransport, folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._transport = transport
        self._folder = folder
        self._input = process.stdin
        self._output = process.stdout

    @property
    def pid(self) -> int:
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

    async def end(self, at_once: bool = False) -> None:
        """Close its input, ask it to end (not `at_once`), then kill it and everything it started."""
        self._input.close()
        try:
            for ask in () if at_once else (None, signal.SIGTERM):
                if ask is not None:
                    self._signal(ask)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE_S):
                        await self._process.wait()
                        break
        finally:
            # Also where it has ended: what it started may still be there.
            self._signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            # Output that nobody has read, or a pipe that something which got away holds open, must not keep us.
            self._transport.close()
            await self._process.wait()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)


async def start(argv: Sequence[str], environment: Mapping[str, str], longest: int) -> Child:
    """Start a program; `longest` are the bytes one line of its output may have. Raises Unreachable.

    What it writes to its error stream is dropped: it may hold what we must not keep.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="autonomy-"))
    seen = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    seen |= {"LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder), **environment}
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=longest, loop=loop),
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=seen,
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        why = error.strerror if isinstance(error, OSError) else "its arguments hold NUL"
        raise Unreachable(f"the program `{argv[0][:80]}` cannot be started: {why}", code="program.missing") from None
    return Child(Process(transport, protocol, loop), transport, folder)
