"""The reference is what the code says, the settings are all there, every link leads somewhere."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from urllib.parse import unquote

import pytest

from autonomy.audit.layout import FORMAT
from autonomy.wiring import Settings

from .pages import PAGES, ROOT, prose, rows, text
from .reference import FOLDER, documents
from .source import texts

INSTALL = ROOT / "docs" / "guides" / "install-and-run.md"
VARIABLE = re.compile(r"AUTONOMY_[A-Z_]+")
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
FAILPOINTS = {"AUTONOMY_FAILPOINT"}  # for the tests of crashes alone


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return documents()


@pytest.mark.parametrize("name", ["cli.md", "manifests.md", "openapi.json", "openapi-v1.json"])
def test_what_is_made_from_the_code_is_current(made: dict[str, str], name: str) -> None:
    assert text(FOLDER / name) == made[name], "run `python -m tests.docs.reference`"


def test_every_setting_is_in_the_table_with_its_default() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(INSTALL, "Settings") if row[0].startswith("`")}
    settings = {f"AUTONOMY_{each.name.upper()}": each for each in fields(Settings)}
    assert settings.keys() <= told.keys()
    defaults = {name: _shown(each.default) for name, each in settings.items()}
    assert {name: told[name] for name in settings} == defaults


def test_every_variable_the_source_reads_is_in_a_table_and_no_other() -> None:
    read = {f"AUTONOMY_{each.name.upper()}" for each in fields(Settings)} | _variables()
    told = {row[0].strip("`") for row in rows(INSTALL) if VARIABLE.fullmatch(row[0].strip("`"))}
    assert told == read - FAILPOINTS


def test_the_format_of_an_export_is_told_as_it_is_written() -> None:
    page = text(FOLDER / "export.md")
    assert f"`{FORMAT}`" in page
    assert all(f'"{word}"' in page for word in ("exported_at", "frontier", "keys", "leaf", "payload", "link", "seal"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        found = (page.parent / unquote(target)).resolve() if target else page
        assert found.exists(), link
        assert not anchor or anchor in _anchors(found), link


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)) if "://" not in link)
        waiting += [(page.parent / link).resolve() for link in links if link]
    assert set(PAGES) <= reached


def test_no_answer_is_named_after_its_module() -> None:
    document = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())
    assert not [name for name in document["components"]["schemas"] if "__" in name]  # two classes of one name


def _shown(value: object) -> str:
    if value in ("", (), None):
        return ""
    return str(value) if isinstance(value, (int, str, Path)) else json.dumps(value)


def _variables() -> set[str]:
    return {text for text in texts() if VARIABLE.fullmatch(text)}


def _anchors(page: Path) -> set[str]:
    """The anchors GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
