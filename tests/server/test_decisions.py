"""People list decision tables and ask one what comes of a case; nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.decisions.test_tables import DECISION
from tests.server.desk import Desk, desk, files


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Desk]:
    """A server with a decision table."""
    with desk(tmp_path, organisation=files(decisions=DECISION)) as found:
        yield found


def test_tables_are_listed_and_tried_without_a_trace(counter: Desk) -> None:
    vera, aldo = counter.person("vera"), counter.person("aldo")
    (listed,) = vera.get("/api/decisions").json["items"]
    assert (listed["name"], listed["hit"], listed["rows"], listed["tests"]) == ("refund", "unique", 3, 1)
    leaves = len(aldo.get("/api/audit/leaves").json["leaves"])
    tried = vera.post("/api/decisions/refund/try", {"inputs": {"amount": 10, "loyal": True}})
    assert (tried.json["outputs"], tried.json["rows"]) == ({"route": "agent", "days": 1}, [1])
    assert tried.json["revision"] == listed["revision"][:12]
    assert len(aldo.get("/api/audit/leaves").json["leaves"]) == leaves


def test_wrong_cases_and_unknown_tables_are_told(counter: Desk) -> None:
    vera = counter.person("vera")
    for inputs in ({}, {"amount": "1", "loyal": True}):
        refused = vera.post("/api/decisions/refund/try", {"inputs": inputs})
        assert (refused.status, refused.code) == (400, "decision.inputs")
    assert vera.post("/api/decisions/nothing/try", {"inputs": {}}).code == "decision.unknown"


def test_an_agent_hears_what_people_hear(counter: Desk) -> None:
    case = {"amount": 6000, "loyal": False}
    asked = counter.act("decision.refund", "w1", **case)
    assert asked["result"] == counter.person("vera").post("/api/decisions/refund/try", {"inputs": case}).json
