"""The demo on a running Tryton, as `make demo ERP=tryton` runs it."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .test_demo import ROOT, SECONDS, Ran, _autonomy, _demo

SCENES = ("S1", "S2", "S3", "S4", "S5", "S9", "S19", "S1 as one run", "Proof")
PATIENCE = 3 * SECONDS  # the first time Tryton's database is built, which takes a minute


pytestmark = pytest.mark.slow  # a minute and a half to build Tryton's database; `tests/erp` runs on a copy of it


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """In a folder named from where one stands, as `make demo ERP=tryton` names it."""
    folder = tmp_path_factory.mktemp("demo") / "company"
    with _demo(Path(os.path.relpath(folder, ROOT)), "--erp", "tryton") as process:
        story, _ = process.communicate(timeout=PATIENCE)
    return Ran(process.returncode, " ".join(story.split()), folder)


@pytest.mark.timeout(PATIENCE)
def test_it_runs_to_its_end_and_everything_happens_as_told(ran: Ran) -> None:
    assert re.findall(r"NOT SO: [^✓✔✗]*", ran.story) == []
    assert ran.code == 0, ran.story[-2000:]


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("told", [*SCENES, "stale write refused", "Omar Haddad", "another process took it up"])
def test_it_tells_its_scenes(ran: Ran, told: str) -> None:
    assert told in ran.story


@pytest.mark.timeout(PATIENCE)
def test_trytons_own_tables_hold_what_was_told(ran: Ran) -> None:
    with closing(sqlite3.connect(ran.folder / "tryton" / "erp.sqlite")) as tryton:
        orders = tryton.execute(
            "SELECT i.code, p.state FROM purchase_purchase p JOIN purchase_line l ON l.purchase = p.id "
            "JOIN product_product i ON i.id = l.product WHERE p.reference LIKE 'act_%'"
        ).fetchall()
        doubled = tryton.execute(
            "SELECT reference FROM purchase_purchase WHERE reference LIKE 'act_%' "
            "GROUP BY reference HAVING COUNT(*) > 1"
        ).fetchall()
    bought = {"sku-0001", "sku-0002", "sku-0005", "sku-0011", "sku-0016", "sku-0019", "sku-0024"}
    assert dict(orders) == dict.fromkeys(bought, "processing") | {"sku-0003": "quotation", "sku-0004": "draft"}
    assert doubled == []


@pytest.mark.timeout(PATIENCE)
def test_the_exported_log_verifies_by_the_command_it_tells(ran: Ran) -> None:
    told = re.search(r"uv run autonomy (audit verify \S+ --witness \S+ --key \S+)", ran.story)
    assert told is not None
    assert _autonomy(*told.group(1).split()).returncode == 0


@pytest.mark.timeout(PATIENCE)
def test_no_agents_key_of_tryton_stands_in_the_record(ran: Ran) -> None:
    keys = re.findall(r'": "([0-9a-f]{64,})"', (ran.folder / "tryton" / "keys.json").read_text())
    assert len(keys) == 9
    written = [path.read_bytes() for path in ran.folder.rglob("*") if path.is_file() and path.parent.name != "tryton"]
    assert not any(key.encode() in content for key in keys for content in written)
