"""The command as a whole: quick, complete, the same everywhere."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from autonomy.catalog.model import SPECS
from autonomy.cli.app import app
from autonomy.cli.index import COMMANDS, SECTIONS
from autonomy.cli.objects import KINDS, kind_of

from .shell import COMMAND, autonomy, shell

ROOT = typer.main.get_command(app)


def leaves(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by its words."""
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    if command.invoke_without_command and path:
        yield path, command
    for name in command.list_commands(typer.Context(command)):
        yield from leaves(command.get_command(typer.Context(command), name), (*path, name))


EVERY = dict(leaves())


def test_help_lists_every_command_under_its_heading() -> None:
    said = autonomy("--help")
    assert said.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in said.out] == []
    assert [section for section in SECTIONS if f"{section}:\n" not in said.out] == []


def test_help_costs_less_than_a_third_of_a_second() -> None:
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([COMMAND, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.3


def test_help_loads_nothing_but_itself() -> None:
    script = (
        "import sys; from autonomy.cli import run; run(['--help']); "
        "print({'sqlalchemy', 'rich', 'urllib3', 'cryptography', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    command = ROOT.get_command(typer.Context(ROOT), name)  # type: ignore[attr-defined]
    assert " ".join(command.help.split()).startswith(COMMANDS[name].help.rstrip("."))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_speaks_to_programs(words: tuple[str, ...]) -> None:
    assert "--json" in {flag for parameter in EVERY[words].params for flag in parameter.opts}


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_explains_itself_and_its_arguments(words: tuple[str, ...]) -> None:
    said = autonomy(*words, "--help")
    assert said.code == 0
    assert EVERY[words].help.rstrip()
    assert [one.name for one in EVERY[words].params if not getattr(one, "help", None)] == []


def test_no_command_takes_a_secret_as_an_argument() -> None:
    names = {parameter.name for command in EVERY.values() for parameter in command.params}
    assert not names & {"password", "secret", "token", "value", "link", "api_key", "client_secret"}


def test_an_unknown_command_is_bad_usage_and_says_the_nearest() -> None:
    said = autonomy("aprovals")
    assert (said.code, said.error) == (2, "cli.usage")
    assert "did you mean `approvals`?" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("get", "tools", "--nonsense"),
        ("agent", "credential", "buyer-1", "--kind", "gold"),
        ("up", "--port", "0"),
        ("contain", "planet", "--reason", "r"),
        ("contain", "agent", "--reason", "r"),
        ("contain", "everything", "agents", "--reason", "r"),
        ("approvals", "decide", "act_1"),
        ("approvals", "decide", "act_1", "--approve", "--reject"),
        ("approvals", "decide", "act_1", "--return"),
        ("action", "resolve", "act_1", "--reason", "r"),
        ("policy", "why"),
        ("policy", "why", "--agent", "a"),
        ("act", "stock.get", "sku"),
        ("act", "stock.get", "a=1", "--json-args", "{}"),
        ("act", "stock.get", "--json-args", "[]", "--key-file", "k"),
        ("secret", "set", "erp"),
        ("login",),
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_in_a_few_lines(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTONOMY_AGENT_KEY", "aok_nobody")
    (tmp_path / "k").write_text("aok_nobody")
    (tmp_path / "k").chmod(0o600)
    said = autonomy(*words)
    assert said.code == 2, said
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) <= 3


def test_an_error_is_json_for_programs() -> None:
    said = autonomy("policy", "check", "nowhere", "--json")
    assert said.out == ""
    assert json.loads(said.err)["error"]["code"] == "manifest.no_folder"


class Broken(io.StringIO):
    """Standard input that fails in a way nobody foresaw."""

    def read(self, size: int | None = -1) -> str:
        raise ZeroDivisionError("a secret stands here")


def test_a_defect_of_ours_shows_no_trace_and_no_words_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said = autonomy("secret", "set", "erp", stdin=Broken())
    assert (said.code, said.error) == (1, "cli.defect")
    assert "ZeroDivisionError in `read`" in said.err
    assert "Traceback" not in said.err
    assert "a secret" not in said.err
    monkeypatch.setenv("AUTONOMY_TRACE", "1")
    assert "Traceback" in autonomy("secret", "set", "erp", stdin=Broken()).err


def test_the_shell_completes_commands_and_options(tmp_path: Path) -> None:
    asked = {"_AUTONOMY_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert shell("autonomy", tmp_path, **asked, COMP_WORDS="autonomy cont").out.split() == ["contain", "containments"]
    asked["COMP_CWORD"] = "3"
    assert "decide" in shell("autonomy", tmp_path, **asked | {"COMP_CWORD": "2"}, COMP_WORDS="autonomy approvals d").out
    assert "--witness" in shell("autonomy", tmp_path, **asked, COMP_WORDS="autonomy audit verify --w").out


def test_completion_is_installed_for_the_shell_that_is_named(tmp_path: Path) -> None:
    said = shell(
        "autonomy --install-completion bash",
        tmp_path,
        HOME=str(tmp_path),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert said.code == 0, said
    assert "autonomy" in (tmp_path / ".bashrc").read_text()


def test_kinds_are_those_of_the_catalog_however_they_are_written() -> None:
    assert set(KINDS) == set(SPECS)
    assert [kind_of(word) for word in ("agents", "Tool", "people", "policies", "UNIT", "rocket")] == [
        "Agent",
        "Tool",
        "Person",
        "Policy",
        "Unit",
        "rocket",
    ]


def test_the_release_is_said() -> None:
    assert autonomy("--version").out.startswith("autonomy 0.")
