"""`autonomy tool import openapi`: what it writes can be applied, asks for the least, means what the document meant."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from autonomy.catalog import collect, read, starter
from autonomy.catalog.files import write
from autonomy.catalog.model import ConnectorSpec, ToolSpec
from autonomy.catalog.openapi import Document
from autonomy.catalog.openapi.drafting import tool_name
from autonomy.catalog.openapi.pruning import pruned
from autonomy.catalog.organisation import spec
from autonomy.cli.app import run
from autonomy.cli.declared import organisation_of
from tests.tools.services import DOCUMENT

ALL = ["listOrders", "createOrder", "getOrder", "deleteOrder"]


def imported(folder: Path, *options: str, document: Any = DOCUMENT) -> int:
    file = folder / "shop.json"
    file.write_text(json.dumps(document))
    place = ["--name", "shop", "--base-url", "https://shop.example/v1", "--into", str(folder / "org")]
    return run(["tool", "import", "openapi", str(file), *place, *options])


def wanting(*operations: str) -> list[str]:
    return [part for one in operations for part in ("--operation", one)]


def test_what_is_written_can_be_applied_and_asks_for_the_least(tmp_path: Path) -> None:
    write(tmp_path / "org", starter.organisation())
    assert imported(tmp_path, *wanting(*ALL)) == 0
    found = organisation_of(read(collect(tmp_path / "org")))
    tools = {name: spec(one, ToolSpec) for name, one in found.all("Tool").items() if name.startswith("shop.")}
    effects = {name: one.effect for name, one in tools.items()}
    assert effects == {
        "shop.list_orders": "read",
        "shop.create_order": "write-keyed",
        "shop.get_order": "read",
        "shop.delete_order": "write-neither",
    }
    assert tools["shop.delete_order"].risk == "high"
    use = spec(found.all("Connector")["shop"], ConnectorSpec).use
    assert use.type == "openapi" and use.baseUrl == "https://shop.example/v1"


@pytest.mark.parametrize("wanted", ALL)
def test_a_document_that_was_cut_down_means_the_same(wanted: str) -> None:
    whole = Document(DOCUMENT)
    cut = pruned(whole, [wanted])
    assert Document(cut).operation(wanted).digest == whole.operation(wanted).digest
    assert [one.id for one in Document(cut).operations()] == [wanted]
    assert len(json.dumps(cut)) < len(json.dumps(DOCUMENT))


def test_names_that_look_like_words_are_kept() -> None:
    document = deepcopy(DOCUMENT)
    named = document["components"]["schemas"]["Named"]
    named["properties"]["example"] = {"type": "string", "example": "x"}
    named["properties"]["properties"] = {"type": "string"}
    cut = pruned(Document(document), ["createOrder"])
    assert cut["components"]["schemas"]["Named"]["properties"] == {
        "name": {"type": "string"},
        "example": {"type": "string"},
        "properties": {"type": "string"},
    }


def test_nothing_is_written_over(tmp_path: Path) -> None:
    assert imported(tmp_path, *wanting("getOrder")) == 0
    before = (tmp_path / "org" / "shop.yaml").read_text()
    assert imported(tmp_path, *wanting("listOrders")) == 1
    assert (tmp_path / "org" / "shop.yaml").read_text() == before


@pytest.mark.parametrize("wrong", [["--operation", "nothing"], ["--name", "../x"], ["--base-url", "http://0x7f.1/"]])
def test_what_cannot_be_imported_is_told_and_nothing_is_written(wrong: list[str], tmp_path: Path) -> None:
    assert imported(tmp_path, "--operation", "getOrder", *wrong) == 1
    assert not (tmp_path / "org").exists()


def test_without_operations_they_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, "--json") == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ALL
    assert not (tmp_path / "org").exists()


def test_a_large_document_is_cut_down_before_it_is_declared(tmp_path: Path) -> None:
    document = deepcopy(DOCUMENT)
    document["paths"] |= {f"/x{n}": {"get": {"operationId": f"x{n}", "description": "y" * 1_000}} for n in range(2_000)}
    assert imported(tmp_path, *wanting("getOrder"), document=document) == 0
    assert (tmp_path / "org" / "documents" / "shop.json").stat().st_size < 5_000


def test_names_of_tools_are_plain() -> None:
    assert tool_name("crm", "getOrderByID") == "crm.get_order_by_id"
    assert tool_name("crm", "GET /orders/{id}") == "crm.get_orders_id"
    assert len(tool_name("crm", "x" * 200)) <= 63
