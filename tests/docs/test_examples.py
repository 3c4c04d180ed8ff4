"""What README and guides show is done as they show it: lines are pasted, programs run, rules and manifests checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autonomy.catalog import starter
from autonomy.catalog.files import write
from autonomy.cli import declared
from autonomy.kernel.errors import AutonomyError

from .console import follow
from .pages import PAGES, ROOT, blocks_of

RUN = {"console", "python"}
DECLARED = {"yaml", "cedar"}
LANGUAGES = RUN | DECLARED | {"text", "sh", "json"}


def pages_with(languages: set[str]) -> list[Path]:
    """The pages that hold a block in one of the languages."""
    return [page for page in PAGES if any(block.language in languages for block in blocks_of(page))]


def name(page: Path) -> str:
    """A page by its path."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages_with(RUN), ids=name)
def test_what_a_page_shows_works_as_it_shows_it(page: Path, tmp_path: Path) -> None:
    assert follow(page, tmp_path) > 0


@pytest.mark.parametrize("page", pages_with(DECLARED), ids=name)
def test_the_rules_and_manifests_of_a_page_hold_together_with_the_starter(page: Path, tmp_path: Path) -> None:
    write(tmp_path, starter.organisation())
    shutil.rmtree(tmp_path / "tests")
    for number, block in enumerate(blocks_of(page)):
        if block.language in DECLARED:
            path = tmp_path / place(block.language, block.text, number)
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    try:
        declared.check_folder(tmp_path)
    except AutonomyError as error:
        raise AssertionError(error.as_dict()) from None
    if (tmp_path / "tests").exists():
        assert not [(one.name, one.differences) for one in declared.test_folder(tmp_path) if one.differences]


def place(language: str, text: str, number: int) -> str:
    """Where an example belongs in an organisation's folder."""
    if language == "cedar":
        return f"policies/example-{number}.cedar"
    return f"tests/example-{number}.yaml" if text.startswith("- name:") else f"examples/{number}.yaml"


def test_every_fence_names_a_language_that_is_tested_or_is_known_not_to_be() -> None:
    unknown = [(name(page), b.words) for page in PAGES for b in blocks_of(page) if b.language not in LANGUAGES]
    assert not unknown
