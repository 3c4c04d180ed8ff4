"""The programs of the demo: the server and the agents, started as processes and stopped by their own ids."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

AUTONOMY = (str(Path(sys.executable).with_name("autonomy")),)
READY_SECONDS = 30.0
STOP_SECONDS = 15.0
GO_HOME_SECONDS = 1.0

Event = dict[str, Any]
Events = queue.SimpleQueue[tuple[str, Event]]


class Failed(Exception):
    """Something that the demo needs did not happen."""


class Server:
    """`autonomy up` or `autonomy serve` on a data folder and a port."""

    def __init__(self, command: str, folder: Path, port: int, log: Path, *more: str) -> None:
        self.url = ""
        self._admin_link = folder / "data" / "admin.link"
        self._began = time.monotonic()
        self._command = command
        self._log = log
        place = ("--data", str(folder / "data"), "--witness", str(folder / "witness"), "--port", str(port))
        self._process = _start([*AUTONOMY, command, "--json", *place, *more], log, stdin=False)
        self._known = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self) -> float:
        """Return when it says that it answers, with the seconds that took; raises Failed where it does not."""
        self._known.wait(READY_SECONDS)
        if not self.url:
            raise Failed(f"`autonomy {self._command}` did not become ready; logs/{self._log.name} says why")
        return time.monotonic() - self._began

    def admin_link(self) -> str:
        """The one-time link of the first administrator, which it leaves in a file of ours alone."""
        return self._admin_link.read_text(encoding="utf-8").strip()

    def stop(self) -> None:
        """End it in order."""
        end(self._process)

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        """Its first line says where it answers; it is read to its end, so that it never waits for a reader."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not self.url:
                self.url = json.loads(line)["url"]
                self._known.set()
        self._known.set()


class Worker:
    """An agent's program: tasks go in, what it does comes out."""

    def __init__(self, name: str, program: Path, environment: Mapping[str, str], events: Events, log: Path) -> None:
        self.name = name
        self._process = _start([sys.executable, str(program)], log, environment)
        self._events = events
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, task: Event) -> None:
        """Put a task into its inbox."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Close its inbox, so that it goes home when its work is done; end it where it does not."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        if not _ended(self._process, GO_HOME_SECONDS):
            end(self._process)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put((self.name, json.loads(line)))
        self._events.put((self.name, {"event": "ended", "code": self._process.wait()}))


def end(process: subprocess.Popen[Any], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask a program to end, and wait until it has; one that does not is killed."""
    process.send_signal(how)
    if not _ended(process, STOP_SECONDS):
        process.kill()
        process.wait()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody listens at now; `kind` is SOCK_DGRAM for one of UDP."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of `autonomy` to its end."""
    return subprocess.run([*AUTONOMY, *arguments], capture_output=True, text=True, timeout=60, check=False)


def _start(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, stdin: bool = True
) -> subprocess.Popen[str]:
    with log.open("ab") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**_plain_environment(), **(environment or {})},
            start_new_session=True,  # Ctrl-C is for the demo, which then ends its processes one by one
        )


def _plain_environment() -> dict[str, str]:
    """The environment without what would steer `autonomy` or an agent elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTONOMY_")}


def _ended(process: subprocess.Popen[Any], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
