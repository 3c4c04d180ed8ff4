"""The OpenAPI document is the contract of console, command line and SDK."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autonomy.server.answers import EVERYWHERE, REFUSALS
from tests.server.desk import Desk


@pytest.fixture(scope="module")
def document(hall: Desk) -> dict[str, Any]:
    answer = hall.stranger.get("/api/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


def test_every_operation_is_told_in_full(document: dict[str, Any]) -> None:
    for path, method, one in operations(document):
        where = f"{method} {path}"
        assert path.startswith("/api/"), where
        assert one["summary"] and one["description"] and one["tags"], where
        assert one["x-permission"], where
        assert {str(status) for status in EVERYWHERE} <= one["responses"].keys(), where
        assert not {"422", "default"} & one["responses"].keys(), where


def test_every_error_is_told_once_and_has_the_one_shape(document: dict[str, Any]) -> None:
    shared = document["components"]["responses"]
    for one in shared.values():
        assert one["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
    assert shared["Busy"]["headers"]["Retry-After"]["required"]
    assert shared["Unauthenticated"]["headers"]["WWW-Authenticate"]["required"]
    for path, method, one in operations(document):
        for status, told in one["responses"].items():
            if int(status) >= 400:
                name = REFUSALS[int(status)].name
                assert told == {"$ref": f"#/components/responses/{name}"}, f"{method} {path}"
                assert name in shared


def test_streams_say_what_they_are_made_of(document: dict[str, Any]) -> None:
    told = {
        one["operationId"]: one["responses"]["200"]["content"]
        for _, _, one in operations(document)
        if one["operationId"] in ("export_log", "stream_events")
    }
    assert {name: list(content) for name, content in told.items()} == {
        "export_log": ["application/jsonl"],
        "stream_events": ["text/event-stream"],
    }


def test_operation_ids_are_plain_and_never_given_twice(document: dict[str, Any]) -> None:
    ids = [one["operationId"] for _, _, one in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each) for each in ids)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    parts = document["components"]
    found = references(document)
    assert found
    for one in found:
        kind, name = one.removeprefix("#/components/").split("/")
        assert name in parts[kind], one


def test_every_answer_has_a_shape(document: dict[str, Any]) -> None:
    streams = {"export_log", "stream_events"}
    for path, method, one in operations(document):
        if one["operationId"] in streams or "204" in one["responses"]:
            continue
        (status,) = [name for name in one["responses"] if name.startswith("2")]
        shown = one["responses"][status]["content"]["application/json"]["schema"]
        assert "$ref" in shown, f"{method} {path}"


def test_path_parameters_are_declared(document: dict[str, Any]) -> None:
    for path, method, one in operations(document):
        named = set(re.findall(r"\{(\w+)\}", path))
        declared = {each["name"] for each in one.get("parameters", ()) if each["in"] == "path"}
        assert named == declared, f"{method} {path}"


def test_lists_are_paged_and_bounded(document: dict[str, Any]) -> None:
    lists = [one for _, _, one in operations(document) if one["operationId"].startswith("list_")]
    assert len(lists) >= 14
    for one in lists:
        limits = {each["name"]: each["schema"] for each in one["parameters"] if each["in"] == "query"}
        assert limits["limit"]["maximum"] == 500 and "after" in limits, one["operationId"]


def test_only_signing_in_is_open(document: dict[str, Any]) -> None:
    assert {one["operationId"] for _, _, one in operations(document) if not one["security"]} == {
        "sign_in",
        "sign_in_by_browser",
        "show_sign_on",
        "accept_invitation",
    }


def test_secrets_are_marked_as_passwords(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, field in (
        ("SignIn", "password"),
        ("Accept", "token"),
        ("Accept", "password"),
        ("Value", "value"),
        ("TakeOver", "code"),
    ):
        assert schemas[name]["properties"][field]["format"] == "password"
