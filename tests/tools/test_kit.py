"""`autonomy connector new`: what it writes works and passes its own tests, and its manifests can be applied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autonomy.catalog import read, starter
from autonomy.catalog.files import write
from autonomy.kernel.errors import Invalid
from autonomy.tools.kit import package
from tests.cli.shell import autonomy

ROOT = Path(__file__).parents[2]


def test_a_new_connector_passes_its_own_tests(tmp_path: Path) -> None:
    said = autonomy("connector", "new", "shop-floor", str(tmp_path / "mine"))
    assert said.code == 0, said.err
    assert sorted(path.name for path in (tmp_path / "mine").rglob("*.*") if path.is_file()) == [
        "README.md",
        "pyproject.toml",
        "shop-floor.yaml",
        "shop_floor.py",
        "test_shop_floor.py",
    ]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "mine",
        env=surroundings,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    assert "15 passed" in tested.stdout, tested.stdout


def test_its_first_command_finds_the_house_it_was_written_by(tmp_path: Path) -> None:
    """Which is not in a registry where it was installed from a folder."""
    autonomy("connector", "new", "payroll", str(tmp_path / "mine"))
    made = tomllib.loads((tmp_path / "mine" / "pyproject.toml").read_text())
    assert made["tool"]["uv"]["sources"] == {"autonomy-os": {"path": str(ROOT), "editable": True}}
    assert "uv" not in tomllib.loads(package("payroll")["pyproject.toml"])["tool"]


def test_its_files_are_in_the_style_of_the_house(tmp_path: Path) -> None:
    write(tmp_path, package("payroll"))
    checked = ["check", "--isolated", "--line-length", "120", "--select", "E,F,W,B,UP,SIM"]
    for arguments in (checked, ["format", "--isolated", "--line-length", "120", "--check"]):
        ran = subprocess.run(
            [shutil.which("ruff") or "ruff", *arguments, str(tmp_path)], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout


def test_its_manifests_are_read_beside_an_organisation() -> None:
    files = starter.organisation() | {"tools/payroll.yaml": package("payroll")["org/payroll.yaml"]}
    assert {("Connector", "payroll"), ("Tool", "payroll.take")} <= {one.manifest.key for one in read(files).declared}


@pytest.mark.parametrize("name", ["", "Payroll", "pay roll", "../payroll", "1pay", "pay_roll", "-pay", "x" * 200])
def test_a_name_that_names_no_package_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        package(name)
    assert caught.value.code == "connector.name"


def test_nothing_that_lies_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").write_text("mine")
    assert autonomy("connector", "new", "payroll", str(tmp_path / "mine")).code == 1
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["kept"]
