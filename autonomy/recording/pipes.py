"""A server that is a program, watched: started as it was before, with everything passed on as it comes.

It gets our own environment, error stream and working folder, for nothing may be different from before. This is one of
the places that start programs; those of connectors are `tools/child.py` and `tools/programs.py`.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO

from autonomy.kernel.errors import NotFound

from .mcp import MAX_MESSAGE

CHUNK = 65_536
GRACE_S = 5.0  # for the program to end once its input has

Hear = Callable[[bytes], None]


def relay(argv: Sequence[str], asked: Hear, answered: Hear) -> int:
    """Run the program on our own pipes until it ends; returns what it ended with. Each line is heard once it has gone.

    Raises NotFound (`record.command`) where it cannot be started.
    """
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        raise NotFound(f"`{argv[0]}` cannot be started: {error.strerror}", code="record.command") from None
    assert process.stdin is not None
    assert process.stdout is not None
    turn = threading.Lock()
    inward = threading.Thread(target=_pass_in, args=(process.stdin, asked, turn), daemon=True)
    inward.start()
    try:
        _pass_on(process.stdout, sys.stdout.buffer, _Lines(answered, turn))
        return process.wait()
    finally:
        _end(process)
        # Whoever waits for a line has heard the last one: what was seen is written next, and changes no more.
        turn.acquire(timeout=GRACE_S)


def _pass_in(to: IO[bytes], asked: Hear, turn: threading.Lock) -> None:
    try:
        _pass_on(sys.stdin.buffer, to, _Lines(asked, turn))
        to.close()
    except (BrokenPipeError, ValueError):
        return  # the program has ended; so will we


def _pass_on(source: IO[bytes], to: IO[bytes], lines: _Lines) -> None:
    """Everything from `source` to `to`, at once and unchanged; only then is it looked at."""
    while chunk := source.read1(CHUNK):  # type: ignore[attr-defined]
        to.write(chunk)
        to.flush()
        lines.feed(chunk)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Lines:
    """Puts lines together for whoever listens. One that is longer than a message may be is not listened to."""

    def __init__(self, hear: Hear, turn: threading.Lock) -> None:
        self._hear = hear
        self._turn = turn
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._add(line)
            if self._size <= MAX_MESSAGE:
                with self._turn:
                    self._hear(b"".join(self._parts))
            self._parts, self._size = [], 0
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= MAX_MESSAGE:
            self._parts.append(part)
