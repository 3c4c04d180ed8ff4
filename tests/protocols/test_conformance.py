"""The published conformance suite finds what `docs/reference/mcp-conformance.md` says, no less and no more."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from .conformance import Score, examine, install, serving_suite

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "mcp-conformance.md"


async def found(folder: Path, revision: str) -> Score:
    async with serving_suite(folder) as url:
        return await examine(url, revision)


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_the_suite_finds_what_is_written_down(revision: str, tmp_path: Path) -> None:
    install()
    score = asyncio.run(asyncio.wait_for(found(tmp_path, revision), 110))
    section = DOCUMENT.read_text("utf-8").partition(f"## {revision}\n")[2].partition("\n## ")[0]
    told, _, unscored = section.partition("### Not scored")
    explained = frozenset(re.findall(r"^\| `([\w-]+)`", told, re.MULTILINE))
    assert score.failed == explained
    assert score.unscored == frozenset(re.findall(r"^\| `([\w-]+)`", unscored, re.MULTILINE))
    total = len(score.passed) + len(score.failed)
    assert f"{len(score.passed)} of {total} scenarios pass" in section
    assert all(f"`{name}`" in section for name in score.passed)
