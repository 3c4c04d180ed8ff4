"""An action nobody can vouch for: an agent hears that, and a person says how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.works import never
from tests.server.desk import desk

from .shell import PASSWORD, autonomy


def test_a_person_says_how_an_unknown_action_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk(tmp_path / "desk") as office:
        office.plant.behaves["hasty"] = never
        office.invited("suzi", PASSWORD)
        issued = office.system.identity.issue_credential("w1", "api_key", "system")
        monkeypatch.setenv("AUTONOMY_AGENT_KEY", issued.secret)
        monkeypatch.setenv("AUTONOMY_URL", office.url)
        unknown = autonomy("act", "hasty", "n=1", "--json")
        assert (unknown.code, unknown.json["status"]) == (1, "unknown")
        action = str(unknown.json["action"])

        autonomy("login", "suzi", input=f"{PASSWORD}\n")
        assert [one["id"] for one in autonomy("actions", "--state", "unknown", "--json").json] == [action]
        resolved = autonomy("action", "resolve", action, "--done", "--reason", "the siren was heard")
        assert resolved.code == 0, resolved.err
        assert "person:suzi" in resolved.out
        shown = autonomy("action", "show", action)
        assert shown.out.startswith("hasty by w1: done")
        assert autonomy("audit", "explain", action).out == shown.out
        assert autonomy("audit", "show", "²").error == "action.unknown", "no number, and no defect"
        assert autonomy("audit", "show", action, "--json").json[0]["leaf"]["kind"] == "intent"
        assert autonomy("action", "resolve", action, "--failed", "--reason", "or not").code == 1
