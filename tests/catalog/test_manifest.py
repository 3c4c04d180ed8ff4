"""Reading manifests: each fault is told with file, line, field and remedy, all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from autonomy.catalog import collect, read
from autonomy.catalog.files import MAX_FILE_BYTES, write
from autonomy.kernel.errors import Invalid, NotFound

from .company import FILES, files, folder

CASES = yaml.safe_load((Path(__file__).parent / "malformed.yaml").read_text(encoding="utf-8"))


def problems(texts: dict[str, str]) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as caught:
        read(texts)
    assert caught.value.code == "manifest.invalid"
    found: list[dict[str, Any]] = caught.value.detail["problems"]
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_fault_is_told_where_it_stands(case: dict[str, Any]) -> None:
    file = case.get("file", "org.yaml")
    wanted = [line if line.count("|") == 3 else f"{line}|" for line in case["problems"].splitlines()]
    found = problems({file: case["text"]})
    assert [f"{one['line']}|{one['field']}|{one['message']}|{one['hint']}" for one in found] == wanted
    assert {one["file"] for one in found} == {file}


def test_faults_of_several_files_come_together_in_order() -> None:
    found = problems({"b.yaml": "- x", "a.yaml": "kind: 1", "c.cedar": "// mod: shadow\nx"})
    assert [one["file"] for one in found] == ["a.yaml"] * 4 + ["b.yaml", "c.cedar"]


def test_the_error_itself_names_count_and_first_problem() -> None:
    with pytest.raises(Invalid, match=r"2 problems, the first: a\.yaml:1: not a manifest"):
        read({"a.yaml": "- x", "b.yaml": "- y"})


def test_one_object_declared_in_two_files_is_refused_with_both_places() -> None:
    found = problems(files(again="apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: ada }\n" + SPEC))
    assert found[0]["message"] == "declared twice, first in again.yaml:3"
    assert (found[0]["file"], found[0]["kind"], found[0]["name"]) == ("people.yaml", "Person", "ada")


SPEC = "spec: { displayName: Ada, email: a@b.example }\n"


def test_words_that_old_yaml_turns_into_something_else_stay_text() -> None:
    text = "apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: no }\n"
    manifest = read({"p.yaml": text + "spec: { displayName: 2026-01-01, email: on@x.y }\n"}).declared[0].manifest
    assert manifest.metadata.name == "no"
    assert manifest.spec.displayName == "2026-01-01"


def test_a_policy_takes_name_unit_and_mode_from_its_file() -> None:
    text = "// unit: sales\n// mode: shadow\n// description: on trial\n// The reason: see the minutes.\n\npermit (a);\n"
    manifest = read({"policies/deep/on-trial.cedar": text}).declared[0].manifest
    assert (manifest.kind, manifest.metadata.name, manifest.metadata.unit) == ("Policy", "on-trial", "sales")
    assert (manifest.metadata.description, manifest.spec.mode) == ("on trial", "shadow")
    assert manifest.spec.text == text


def test_comments_after_the_first_rule_are_no_headers() -> None:
    text = "permit (a);\n// unit: sales\n"
    assert read({"p.cedar": text}).declared[0].manifest.metadata.unit is None


def test_tests_hidden_files_and_other_files_declare_nothing() -> None:
    found = folder(**{"tests/cases": "- a", ".hidden/x": "- a", "sub/.x": "- a"})
    assert len(found.declared) == len(folder().declared)
    assert len(read({"notes.md": "# hello", "tests/a.cedar": "x"}).declared) == 0
    assert len(read({"sub/tests/a.cedar": "permit (a);"}).declared) == 1


def test_the_folder_says_its_scope_and_what_it_agreed_on() -> None:
    found = read({"autonomy.yaml": "scope: north", ".autonomy/state.json": '{"objects": {"Unit/a": "12"}}'})
    assert (found.scope, found.base) == ("north", {"Unit/a": "12"})
    assert (folder().scope, folder().base) == ("default", None)


def test_a_folder_on_disk_reads_as_it_was_written(tmp_path: Path) -> None:
    texts = {**FILES, "autonomy.yaml": "scope: north\n", ".autonomy/state.json": '{"objects": {}}'}
    write(tmp_path, {**texts, "tests/policies.yaml": "[]", "README.md": "hello", ".git/x.yaml": "a"})
    assert collect(tmp_path) == texts
    assert collect(tmp_path / "units.yaml") == {"units.yaml": FILES["units.yaml"]}


def test_files_that_cannot_be_read_are_named_together(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\xff")
    (tmp_path / "large.yaml").write_text("#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(Invalid) as caught:
        collect(tmp_path)
    told = {one["file"]: one["message"] for one in caught.value.detail["problems"]}
    assert told == {"latin.yaml": "not UTF-8 text", "large.yaml": f"larger than {MAX_FILE_BYTES} bytes"}


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no folder or file"):
        collect(tmp_path / "nowhere")
