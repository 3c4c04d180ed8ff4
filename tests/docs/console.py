"""Runs what a page shows: its console lines in a shell, its Python programs, in order, in one empty folder."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.processes import free_port
from tests.cli.shell import PASSWORD, Ran, autonomy, read_until, running, shell, surroundings

from .pages import blocks_of

FAILS = "# ends with "
NAMED = {"ACTION": re.compile(r"\bact_[0-9a-z]{26}\b"), "TASK": re.compile(r"\btask_[0-9a-z]{26}\b")}
NAMED["RUN"] = re.compile(r"\brun_[0-9a-z]{26}\b")
NAMED |= {"INCIDENT": re.compile(r"\binc_[0-9a-z]{26}\b")}
BEHIND = re.compile(r"\b[1-9][0-9,]* (?:leaf|leaves) behind")
PATIENCE_SECONDS = 60
SHELL = {"|", "||", "&&", ";", ">", "<"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line to paste and what the page says it prints, in which `…` stands for anything."""

    command: str
    told: tuple[str, ...]

    @property
    def code(self) -> int:
        """How it ends: 0 unless the line says otherwise."""
        _, found, number = self.command.partition(FAILS)
        return int(number) if found else 0


class Terminal:
    """A user in a folder, with a port of their own; `$ACTION` is the action that was printed last, `$TASK` the task,
    `$RUN` the run, `$INCIDENT` the incident."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._port = str(free_port())
        self._patch = stack.enter_context(pytest.MonkeyPatch.context())
        self._patch.chdir(folder)
        chosen = {"AUTONOMY_PORT": self._port, "AUTONOMY_URL": f"http://127.0.0.1:{self._port}", "COLUMNS": "300"}
        for name, value in {**surroundings(folder), **chosen}.items():
            self._patch.setenv(name, value)

    def paste(self, line: Line) -> None:
        """Run a line; fails where it ends or says otherwise than the page tells."""
        words = shlex.split(os.path.expandvars(line.command), comments=True)
        if words[:2] in (["autonomy", "up"], ["autonomy", "serve"]):
            self._serve(line)
        elif words[0] == "autonomy" and not set(words) & SHELL:
            self._judge(line, _caught_up(words[1:]))
        else:
            self._judge(line, shell(line.command, self._folder, f"{PASSWORD}\n", **_ours()))

    def program(self, text: str) -> None:
        """Run a Python program."""
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(text)}"
        self._judge(Line("the program", ()), shell(command, self._folder, **_ours()))

    def _serve(self, line: Line) -> None:
        process = self._stack.enter_context(running(line.command, self._folder, **_ours()))
        self._compare(line, "\n".join(read_until(process, "ready at")))

    def _judge(self, line: Line, done: Ran) -> None:
        said = done.out + done.err
        assert done.code == line.code, (line.command, said)
        self._compare(line, said)
        for name, pattern in NAMED.items():
            if found := pattern.findall(said):
                self._patch.setenv(name, found[-1])

    def _compare(self, line: Line, said: str) -> None:
        """Every line the page tells must be printed, in this order; how much blank stands within does not count."""
        as_usual = said.replace(f":{self._port}", ":8085")
        printed = iter([" ".join(each.split()) for each in as_usual.splitlines()])
        for told in line.told:
            pattern = re.escape(" ".join(os.path.expandvars(told).split())).replace("…", ".*")
            assert any(re.fullmatch(pattern, each) for each in printed), (line.command, told, said)


def _caught_up(words: Sequence[str]) -> Ran:
    """What a command prints once the figures it shows have caught up with the log, which takes a moment."""
    end = time.monotonic() + PATIENCE_SECONDS
    done = autonomy(*words, input=f"{PASSWORD}\n")
    while BEHIND.search(done.out) and time.monotonic() < end:
        done = autonomy(*words, input=f"{PASSWORD}\n")
    return done


def follow(page: Path, folder: Path) -> int:
    """Do what the page shows; returns how many lines and programs that were."""
    count = 0
    with ExitStack() as stack:
        terminal = Terminal(folder, stack)
        for block in blocks_of(page):
            if block.language == "python":
                terminal.program(block.text)
                count += 1
            elif block.language == "console":
                for line in lines(block.text):
                    terminal.paste(line)
                    count += 1
    return count


def lines(text: str) -> Iterator[Line]:
    """The lines of a console block, each with what the page says it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, told = part.partition("\n")
        yield Line(command.strip(), tuple(line for line in told.splitlines() if line.strip()))


def _ours() -> dict[str, str]:
    """The settings of this terminal, for processes of their own."""
    return {name: value for name, value in os.environ.items() if name.startswith(("AUTONOMY_", *NAMED))}
