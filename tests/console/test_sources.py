"""What the console is written in: it fits the types of the API, is laid out alike, and makes no HTML of text."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from autonomy.audit.leaf import Kind
from autonomy.insight.kpis import KPIS
from tests.signon.real import NODE

WEB = Path(__file__).parents[2] / "web"
MADE = {"schema.ts", "routeTree.gen.ts"}
SOURCES = sorted(
    path for path in (WEB / "src").rglob("*") if path.suffix in (".ts", ".tsx", ".css") and path.name not in MADE
)
PROGRAMS = {
    "types": ("typescript/bin/tsc",),
    "layout": (
        "prettier/bin/prettier.cjs",
        "--check",
        "--cache",
        "--cache-strategy",
        "content",
        "--log-level",
        "warn",
        ".",
    ),
    "rules": ("vitest/vitest.mjs", "run", "--silent"),
}
BANNED = {
    r"dangerouslySetInnerHTML|\.(inner|outer)HTML|insertAdjacentHTML|document\.write": "show it by `Foreign`",
    r"\beval\(|new Function\(": "nothing a stranger sends is ever run",
    r"\bTODO\b|\bFIXME\b|\bXXX\b|@ts-ignore|@ts-expect-error|: any\b|as any\b": "finish it, or name the gap",
    r"https?://(?!127\.0\.0\.1)": "the console talks to its own server alone",
}
MAX_LINES = 400


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_sources_hold_together(program: str) -> None:
    script, *arguments = PROGRAMS[program]
    command = [str(NODE), str(WEB / "node_modules" / script), *arguments]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("pattern", BANNED)
def test_nothing_banned_is_in_the_console(pattern: str) -> None:
    lines = ((path, number, line) for path in SOURCES for number, line in enumerate(path.read_text().splitlines(), 1))
    found = [f"{path.relative_to(WEB)}:{number}" for path, number, line in lines if re.search(pattern, line)]
    assert not found, f"{BANNED[pattern]}: {found}"


def test_its_files_are_small() -> None:
    assert not [path for path in SOURCES if path.read_text().count("\n") > MAX_LINES]


def test_the_console_knows_every_kind_of_leaf() -> None:
    listed = re.search(r"KINDS = \[(.*?)\]", (WEB / "src" / "audit" / "leaf.ts").read_text(), re.DOTALL)
    assert listed and set(re.findall(r'"(\w+)"', listed[1])) == set(get_args(Kind))


def test_every_figure_is_shown_in_one_group() -> None:
    text = (WEB / "src" / "figures" / "Figures.tsx").read_text()
    groups = re.search(r"const GROUPS.*?= \[\n(.*?)\n\];", text, re.DOTALL)
    assert groups
    shown = [name for group in re.findall(r"\[([^\[\]]*)\]", groups[1]) for name in re.findall(r'"(\w+)"', group)]
    assert sorted(shown) == sorted(kpi.name for kpi in KPIS)
