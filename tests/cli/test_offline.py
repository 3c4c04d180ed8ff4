"""Commands that need no server: they look at files, change nothing they should not, and say what is wrong where."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autonomy.catalog import starter
from autonomy.cli import examination
from autonomy.cli.examination import Check, examine
from autonomy.cli.up import prepare
from autonomy.kernel.errors import Conflict, Invalid
from autonomy.wiring import Settings, open_system
from demo.processes import free_port

from .shell import autonomy


@pytest.fixture
def org(tmp_path: Path) -> Path:
    """The starter organisation as `init` writes it."""
    assert autonomy("init", "org").code == 0
    return tmp_path / "org"


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_init_writes_the_starter_with_the_schemas_its_files_name(org: Path) -> None:
    for name, text in starter.organisation().items():
        assert (org / name).read_text(encoding="utf-8") == text
    assert json.loads((org / ".autonomy/schemas/tool.json").read_text())["title"] == "Tool"
    assert not (org / "business.sql").exists()


def test_init_writes_the_business_schema_where_it_is_wanted() -> None:
    said = autonomy("init", "org", "--with-business", "--json")
    assert "business.sql" in said.json["files"]
    sqlite3.connect(":memory:").executescript(Path("org/business.sql").read_text())


def test_init_never_touches_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "mine.txt").write_text("mine")
    said = autonomy("init", "org")
    assert (said.code, said.error) == (1, "folder.not_empty")
    assert [path.name for path in (tmp_path / "org").iterdir()] == ["mine.txt"]


def test_the_starter_passes_its_check_and_its_tests(org: Path) -> None:
    assert autonomy("policy", "check", str(org), "--json").json == {"objects": 64, "rules": 34, "remarks": []}
    tested = autonomy("policy", "test", str(org), "--json")
    assert (tested.code, tested.json["passed"], tested.json["failed"]) == (0, 49, 0)


def test_a_rule_that_names_an_unknown_argument_is_refused_with_file_and_line(org: Path) -> None:
    change(org / "policies/orders.cedar", "context.cost >= 500000", "context.arguments.amuont >= 500000")
    said = autonomy("policy", "check", str(org))
    assert (said.code, said.error) == (1, "manifest.invalid")
    assert "policies/orders.cedar:" in said.err
    assert "amuont" in said.err


def test_every_problem_of_a_folder_is_shown_at_once(org: Path) -> None:
    change(org / "agents.yaml", "sponsor: nadia", "sponsor: nobody")
    change(org / "agents.yaml", "sponsor: hanna", "sponsor: nobody-either")
    said = autonomy("policy", "check", str(org))
    assert said.code == 1
    assert "`nobody`" in said.err
    assert "`nobody-either`" in said.err


def test_a_decision_test_that_differs_ends_with_1_and_says_where(org: Path) -> None:
    change(org / "policies/orders.cedar", "context.cost >= 500000", "context.cost >= 600000")
    said = autonomy("policy", "test", str(org))
    assert said.code == 1
    assert "tests/policies.yaml:" in said.out
    assert "expected hold, got allow" in said.out


def test_a_folder_without_tests_does_not_pass_for_tested(org: Path) -> None:
    shutil.rmtree(org / "tests")
    assert autonomy("policy", "test", str(org)).error == "policy.no_tests"


@pytest.fixture
def settled(tmp_path: Path) -> Settings:
    """A data folder that a server has left in order, with its witness elsewhere."""
    data = tmp_path / "autonomy-data"
    settings = replace(Settings(), data=data, witness=tmp_path / "witness", port=free_port())
    system = open_system(settings)
    prepare(system, None)
    system.queue.run(system.checkpoints._sign)
    system.checkpoints.copy()
    system.close()
    return settings


def states(settings: Settings) -> dict[str, Check]:
    return {one.name: one for one in examine(settings)}


def test_a_doctor_finds_nothing_wrong_where_nothing_is(settled: Settings) -> None:
    found = states(settled)
    assert {name: one.state for name, one in found.items() if one.state != "ok"} == {"server": "warning"}
    assert found["server"].mend


def test_the_doctors_command_ends_with_1_where_something_must_be_mended(settled: Settings) -> None:
    options = ("--data", str(settled.data), "--witness", str(settled.witness), "--url", settled.public_url)
    assert autonomy("doctor", *options).code == 0
    settled.data.chmod(0o755)
    said = autonomy("doctor", *options, "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert {one["name"]: one["mend"] for one in said.json["checks"] if one["state"] == "fail"} == {
        "data folder": f"run `chmod 700 {settled.data}`"
    }


def test_a_doctor_makes_nothing_that_is_not_there(tmp_path: Path) -> None:
    found = states(replace(Settings(), data=tmp_path / "nowhere"))
    assert {found[name].state for name in ("data folder", "master key", "database", "log")} == {"fail"}
    assert not (tmp_path / "nowhere").exists()


def expose_key(settings: Settings) -> None:
    (settings.data / "master.key").chmod(0o644)


def lose_key(settings: Settings) -> None:
    (settings.data / "master.key").unlink()


def change_leaf(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("UPDATE leaf SET body = CAST(replace(body, 'system', 'person') AS BLOB) WHERE idx = 0")


def change_hash(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("UPDATE leaf SET hash = randomblob(32) WHERE idx = 0")


def add_node(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("INSERT INTO log_node VALUES (8, 0, randomblob(32))")


def change_type(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("UPDATE leaf SET body = CAST(body AS TEXT) WHERE idx = 0")


def cut_log(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("DELETE FROM leaf WHERE idx = (SELECT max(idx) FROM leaf)")
        connection.execute("DELETE FROM checkpoint")


def forget_checkpoints(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("DELETE FROM checkpoint")


def change_unsigned(settings: Settings) -> None:
    change_leaf(settings)
    forget_checkpoints(settings)


def lose_schema(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def advance_log(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "autonomy.sqlite") as connection:
        connection.execute("UPDATE leaf SET at = at + 86400000")


def forget_witness(settings: Settings) -> None:
    shutil.rmtree(settings.witness_folder)


def rewrite_witness(settings: Settings) -> None:
    for path in settings.witness_folder.iterdir():
        path.write_text(path.read_text().replace("\n", "\nother\n", 1))


@pytest.mark.parametrize(
    ("harm", "name", "state"),
    [
        (expose_key, "master key", "fail"),
        (lose_key, "master key", "fail"),
        (change_leaf, "log", "fail"),
        (change_hash, "log", "fail"),
        (add_node, "log", "fail"),
        (change_type, "log", "fail"),
        (cut_log, "log", "fail"),
        (change_unsigned, "log", "fail"),
        (forget_checkpoints, "log", "warning"),
        (cut_log, "witness", "fail"),
        (lose_schema, "schema", "fail"),
        (advance_log, "clock", "fail"),
        (forget_witness, "witness", "warning"),
        (rewrite_witness, "witness", "fail"),
    ],
)
def test_a_doctor_finds_what_is_wrong_and_says_what_to_do(
    harm: Callable[[Settings], None], name: str, state: str, settled: Settings
) -> None:
    harm(settled)
    found = states(settled)[name]
    assert found.state == state, found
    assert found.mend


def test_a_doctor_says_that_a_witness_in_the_data_folder_proves_little(settled: Settings) -> None:
    settled.witness_folder.rename(settled.data / "witness")
    found = states(replace(settled, witness=None))["witness"]
    assert (found.state, "lies in the data folder" in found.told) == ("warning", True)


def test_a_doctor_minds_the_log_and_not_how_its_server_is_called(settled: Settings) -> None:
    assert states(replace(settled, port=free_port()))["log"].state == "ok"


def test_one_thing_that_cannot_be_looked_at_stops_nothing_else(settled: Settings) -> None:
    (settled.data / "autonomy.sqlite").write_bytes(b"this is no database" * 100)
    found = states(settled)
    assert found["database"].state == "fail"
    assert found["disk"].state == "ok"
    assert len(found) == len(examination._LOOKS)


def test_up_declares_nothing_where_the_folder_does_not_hold(tmp_path: Path, org: Path) -> None:
    change(org / "agents.yaml", "sponsor: nadia", "sponsor: nobody")
    system = open_system(replace(Settings(), data=tmp_path / "data"))
    try:
        with pytest.raises(Invalid):
            prepare(system, org)
        assert system.catalog.organisation().epoch == 0
    finally:
        system.close()


def test_up_with_an_organisation_of_ones_own_links_its_first_administrator_until_they_have_a_password(
    tmp_path: Path, org: Path
) -> None:
    system = open_system(replace(Settings(), data=tmp_path / "data"))
    try:
        link = tmp_path / "data" / "admin.link"
        assert prepare(system, org) == [f"autonomy login --link-file {link}"]
        assert os.stat(link).st_mode & 0o777 == 0o600
        assert not (tmp_path / "data" / "business.sqlite").exists()
        token = link.read_text().strip().rpartition("/")[2]
        assert system.identity.accept_invitation(token, "a long sentence nobody guesses") == "ada"
        assert prepare(system, None) == []
    finally:
        system.close()


def test_up_makes_the_tables_of_the_templates_that_an_organisation_was_begun_with(tmp_path: Path) -> None:
    org, data = tmp_path / "company", tmp_path / "data"
    brought = [word for name in ("support", "maintenance", "planning") for word in ("--template", name)]
    assert autonomy("init", str(org), *brought).code == 0
    system = open_system(replace(Settings(), data=data))
    try:
        prepare(system, org)
    finally:
        system.close()
    with closing(sqlite3.connect(data / "business.sqlite")) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"item", "supplier", "inquiry", "equipment"} <= tables


def test_up_refuses_an_organisation_that_nobody_administers(tmp_path: Path, org: Path) -> None:
    change(org / "people.yaml", "access: [admin]", "access: [viewer]")
    system = open_system(replace(Settings(), data=tmp_path / "data"))
    try:
        with pytest.raises(Invalid) as refused:
            prepare(system, org)
        assert refused.value.code == "up.no_admin"
    finally:
        system.close()


def test_up_leaves_a_business_database_alone_that_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "business.sqlite").write_text("mine")
    system = open_system(replace(Settings(), data=tmp_path / "data"))
    try:
        with pytest.raises(Conflict):
            prepare(system, None)
        assert system.catalog.organisation().epoch == 0
        assert (tmp_path / "data" / "business.sqlite").read_text() == "mine"
    finally:
        system.close()
