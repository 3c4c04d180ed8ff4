"""The demo from an empty folder to a verified record, as somebody who has just cloned the project runs it."""

from __future__ import annotations

import ast
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 100  # ten on an idle machine
DENIED = (
    "order-needs-budget-check",
    "order-approved-supplier",
    "bank-account-never-by-agents",
    "invoice-matches-order",
)


@dataclass(frozen=True, slots=True)
class Ran:
    """A demo that has ended: its exit code, its story in one line, its folder."""

    code: int
    story: str
    folder: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("demo") / "company"
    pictures = ("--picture", str(folder.parent / "demo.svg"), "--excerpt", str(folder.parent / "short.svg"))
    with _demo(folder, *pictures) as process:
        story, _ = process.communicate(timeout=SECONDS)
    return Ran(process.returncode, " ".join(story.split()), folder)


def test_without_a_terminal_it_runs_to_its_end_and_everything_happens_as_told(ran: Ran) -> None:
    assert "NOT SO" not in ran.story
    assert ran.code == 0, ran.story[-2000:]


@pytest.mark.parametrize("rule", DENIED)
def test_it_tells_by_which_rule_an_action_was_denied(ran: Ran, rule: str) -> None:
    assert f"denied by {rule}" in ran.story


def test_it_tells_for_whom_an_action_waits_and_who_approved_it(ran: Ran) -> None:
    assert "waits for finance-manager and procurement-lead" in ran.story
    assert "Felix Moreau, finance manager approves" in ran.story
    assert "Priya Nair, procurement lead approves" in ran.story
    assert "orders 150 × sku-0012 from sup-035 for 29,493.00 EUR → done, as approved" in ran.story


def test_it_tells_of_the_stale_write_the_spending_and_the_containment(ran: Ran) -> None:
    assert "stale write refused" in ran.story
    assert re.search(r"procurement-month █+░+ [\d,.]+ EUR of 300,000.00 EUR", ran.story)
    assert "contains buyer-2" in ran.story
    assert "in flight: 1 call; confirmed stopped: 1" in ran.story


def test_the_business_database_holds_what_was_told_and_nothing_of_what_was_denied(ran: Ran) -> None:
    with _business(ran) as rows:
        placed = dict(rows("SELECT sku, status FROM purchase_order WHERE client_ref LIKE 'act_%'"))
        doubled = rows("SELECT client_ref FROM journal GROUP BY client_ref HAVING COUNT(*) > 1")
        lowered = rows("SELECT quantity, version FROM purchase_order WHERE sku = 'sku-0004' AND status = 'open'")
        changed = rows("SELECT id FROM supplier WHERE version > 1")
    ordered = {"sku-0001", "sku-0007", "sku-0005", "sku-0004", "sku-0012", "sku-0147", "sku-0214", "sku-0299"}
    assert placed == dict.fromkeys(ordered, "open")
    assert (doubled, lowered, changed) == ([], [(36, 3)], [])


def test_the_exported_log_verifies_offline_by_the_command_it_tells(ran: Ran) -> None:
    told = re.search(r"uv run autonomy (audit verify \S+ --witness \S+ --key \S+)", ran.story)
    assert told is not None
    verdict = _autonomy(*told.group(1).split(), "--json")
    assert verdict.returncode == 0
    assert json.loads(verdict.stdout)["witness"] == "matched"
    forged = told.group(1).replace("audit.jsonl", "audit-forged.jsonl")
    assert _autonomy(*forged.split()).returncode == 1


def test_passwords_lie_where_only_their_owner_reads_them_and_nowhere_else(ran: Ran) -> None:
    kept = ran.folder / "passwords"
    passwords = {path.name: path.read_text().strip() for path in kept.iterdir()}
    assert sorted(passwords) == ["ada", "aldo", "felix", "priya"]
    assert not any(path.stat().st_mode & 0o077 for path in (kept, *kept.iterdir()))
    others = [path.read_bytes() for path in ran.folder.rglob("*") if path.is_file() and path.parent != kept]
    assert not any(password.encode() in content for password in passwords.values() for content in others)
    assert not any(password in ran.story for password in passwords.values())


@pytest.mark.parametrize("name", ["demo.svg", "short.svg"])
def test_the_story_is_drawn_as_a_picture(ran: Ran, name: str) -> None:
    picture = (ran.folder.parent / name).read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert not re.search(r"(?:src|href)\s*[:=]\s*[\"']?(?:url\()?[\"']?https?:", picture)  # it fetches nothing
    assert "stale" in picture


def test_the_picture_of_the_readme_has_at_most_sixty_lines(ran: Ran) -> None:
    picture = (ran.folder.parent / "short.svg").read_text(encoding="utf-8")
    assert 40 <= len(set(re.findall(r'class="terminal-\d+-r\d+" x="[\d.]+" y="([\d.]+)"', picture))) <= 60


def test_told_to_stop_in_the_middle_it_leaves_no_server_behind(tmp_path: Path) -> None:
    with _demo(tmp_path / "company") as process:
        assert process.stdout is not None
        url = next(found for line in process.stdout if (found := re.search(r"http://\S+", line)))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    parts = urlsplit(url.group())
    assert process.returncode == 143
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5)


def test_a_folder_that_is_no_demos_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep me")
    with _demo(tmp_path) as process:
        story, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "is no demo's" in " ".join(story.split())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "keep me"


@pytest.mark.parametrize("program", sorted((ROOT / "demo" / "agents").glob("*.py")), ids=lambda path: path.stem)
def test_an_agents_program_knows_neither_the_demo_nor_the_system_that_governs_it(program: Path) -> None:
    names = set(_imported(ast.parse(program.read_text(encoding="utf-8"))))
    assert not names & {"demo", "autonomy"}


@contextmanager
def _demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "demo", "--folder", str(folder), *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=_environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)


def _autonomy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("autonomy")), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=SECONDS, env=_environment())


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "HOME": str(Path.home())}


@contextmanager
def _business(ran: Ran) -> Iterator[Callable[[str], list[Any]]]:
    connection = sqlite3.connect(ran.folder / "data" / "business.sqlite")
    try:
        yield lambda query: connection.execute(query).fetchall()
    finally:
        connection.close()


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
