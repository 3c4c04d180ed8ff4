"""Every command that the console shows to be pasted is one that the command line knows, with these options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from .test_command import ROOT

WORDS = Path(__file__).parents[2] / "web" / "src"
SAID = re.compile(r"""(["`])(autonomy (?:(?!\1).)+)\1""")


def commands() -> list[str]:
    """The commands in the English texts of the console."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(WORDS.rglob("words.ts")))
    said = {found[2] for text in texts for found in SAID.finditer(text)}
    return sorted(part.strip() for line in said for part in line.split("&&"))


def test_the_console_teaches_commands() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize("line", commands())
def test_a_command_of_an_empty_state_is_understood(line: str) -> None:
    name, *arguments = shlex.split(line)
    assert name == "autonomy"
    command, context = ROOT, typer.Context(ROOT, info_name=name)
    while isinstance(command, typer.core.TyperGroup) and arguments:
        found = command.get_command(context, arguments[0])
        if found is None:
            break
        command, context, arguments = found, typer.Context(found, parent=context), arguments[1:]
    is_group = isinstance(command, typer.core.TyperGroup)
    assert not is_group or (command.invoke_without_command and not arguments), "there is no such command"
    command.make_context(line, arguments, parent=context.parent)
