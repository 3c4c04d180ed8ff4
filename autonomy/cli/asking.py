"""What a person is asked, and where secrets come from: a prompt that shows nothing, or standard input."""

from __future__ import annotations

import sys
from getpass import getpass

import typer

from .ending import Misused
from .screen import on_terminal


def hidden(prompt: str) -> str:
    """A line nobody sees on a terminal; else the next line of standard input. Raises Misused where there is none."""
    if on_terminal():
        return getpass(f"{prompt}: ")
    line = sys.stdin.readline()
    if not line:
        raise Misused(f"no {prompt.lower()} came on standard input", hint="pipe it in, or use a terminal")
    return line.rstrip("\r\n")


def new_password() -> str:
    """A password, asked for twice on a terminal. Raises Misused where the two differ."""
    password = hidden("New password")
    if on_terminal() and hidden("The same again") != password:
        raise Misused("the passwords differ")
    return password


def hidden_text(prompt: str) -> str:
    """A line from a terminal, else all of standard input but the last line break. Raises Misused for nothing."""
    found = hidden(prompt) if on_terminal() else sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not found:
        raise Misused(f"no {prompt.lower()} was given", hint="type it, or pipe it in")
    return found


def confirm(question: str, yes: bool = False) -> None:
    """Ask on a terminal, unless `yes` was said already; ends the command where the answer is no."""
    if not yes and on_terminal():
        typer.confirm(question, abort=True)
