"""The house rules that a machine can see, each with what to do instead."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "autonomy").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

BANNED = {
    r"\bTODO\b|\bFIXME\b|\bXXX\b": "finish it, or name the gap in the closing note",
    r"\bNotImplementedError\b": "build it, or leave it out",
    r"unittest\.mock|MagicMock|monkeypatch\.setattr\(autonomy": "hand in a function",
    r"\beval\(|\bexec\(|\bpickle\b|shell=True": "nothing a stranger sends is ever run",
}
BANNED_NAMES = {"utils", "util", "helpers", "common", "manager", "misc"}
MAX_FUNCTION = 70  # lines of a body without its docstring
MAX_FILE = 400


def functions() -> Iterator[tuple[int, str]]:
    for path in SOURCES:
        if "migrations/versions" in path.as_posix():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node)
                start = node.body[1].lineno if doc and len(node.body) > 1 else node.body[0].lineno
                yield node.body[-1].end_lineno - start + 1, f"{path.relative_to(ROOT)}:{node.name}"  # type: ignore[operator]


@pytest.mark.parametrize("pattern", BANNED)
def test_nothing_banned_is_in_the_house(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, f"{BANNED[pattern]}: {found}"


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    mark = re.compile(r"mark\.(skip|xfail)|pytest\.(skip|xfail|importorskip)|\bsleep\((?!0\))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TESTS
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line) and "asyncio.sleep" not in line
    ]
    assert not found, f"make it run, wait on a signal: {found}"


def test_names_say_what_is_in_a_file() -> None:
    assert not [path for path in SOURCES if path.stem in BANNED_NAMES]


def test_functions_are_small() -> None:
    lengths = sorted(functions(), reverse=True)
    assert lengths[0][0] <= MAX_FUNCTION, lengths[:5]
    sizes = [length for length, _ in lengths]
    assert statistics.median(sizes) <= 10
    assert sizes[len(sizes) // 20] <= 40, "95 in a hundred functions have at most forty lines"


def test_files_are_small() -> None:
    sizes = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    large = {path: size for path, size in sizes.items() if size > MAX_FILE and "versions" not in path.parts}
    assert not large


def test_every_module_says_what_it_is() -> None:
    silent = [path.relative_to(ROOT) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not silent


def test_only_known_modules_open_outbound_connections() -> None:
    """Invariant 1. HTTP and mail leave by modules that judge the address. `server/serving.py` makes the socket it
    listens on, and connects to nothing. The log's leaves and the spans of traces leave by doors of their own: neither
    holds anything secret, and both go where the operator says.
    """
    allowed = {
        "autonomy/tools/endpoint.py",
        "autonomy/tools/mail_server.py",
        "autonomy/server/serving.py",
        "autonomy/audit/forward/target.py",
        "autonomy/telemetry/otlp.py",
    }
    opening = re.compile(
        r"aiohttp\.(ClientSession|TCPConnector|request)\(|socket\.(socket|create_connection)\(|urlopen\("
        r"|open_connection\(|create_datagram_endpoint\(|OTLPSpanExporter\("
    )
    found = {path.relative_to(ROOT).as_posix() for path in SOURCES if opening.search(path.read_text(encoding="utf-8"))}
    assert found == allowed
