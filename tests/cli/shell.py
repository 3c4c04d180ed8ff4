"""The command as a user runs it: in this process for speed, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonomy.cli import run
from demo.processes import free_port

COMMAND = Path(sys.executable).with_name("autonomy")
PASSWORD = "a long sentence nobody guesses"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of its error."""
        return self.err.rpartition("code: ")[2].strip()


def autonomy(*arguments: str, input: str = "", stdin: io.StringIO | None = None) -> Ran:
    """Run the command in this process; the environment is the test's own."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = stdin or io.StringIO(input)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
    finally:
        sys.stdin = before
    return Ran(code, out.getvalue(), err.getvalue())


def shell(line: str, folder: Path, input: str = "", **environment: str) -> Ran:
    """Run a line in a shell, as somebody who pastes it."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        input=input,
        capture_output=True,
        text=True,
        timeout=60,
        env=surroundings(folder, **environment),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which the command is found and knows nothing of this machine's user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTONOMY_")}
    path = f"{COMMAND.parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": path, "AUTONOMY_CONFIG": str(folder / "config"), **more}


@contextmanager
def running(line: str, folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs until the block ends, then is interrupted as by Ctrl-C and must end well."""
    process = subprocess.Popen(
        line.split(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(folder, **environment),
        executable=str(COMMAND),
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        print(said)
    assert process.returncode == 0, said
    assert "Traceback" not in said, said


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """The lines it prints, up to the first that holds `word`. Fails with what it said where it ends before."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if word in line:
            return lines
    raise AssertionError((lines, process.stderr.read() if process.stderr else ""))


@dataclass(slots=True)
class Company:
    """A server that `autonomy up` started, and its files."""

    url: str
    folder: Path
    lines: list[str]

    @property
    def data(self) -> Path:
        return self.folder / "autonomy-data"

    @property
    def key(self) -> str:
        """The API key of `payables-1`."""
        return (self.data / "trial" / "payables-1.key").read_text().strip()


@contextmanager
def company(folder: Path, arguments: str = "", **environment: str) -> Iterator[Company]:
    """`autonomy up` on a free port, until the block ends."""
    with running(f"autonomy up --json --port {free_port()} {arguments}", folder, **environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        told: Mapping[str, Any] = json.loads(line)
        yield Company(told["url"], folder, list(told["lines"]))
