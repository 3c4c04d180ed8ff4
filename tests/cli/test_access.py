"""Asking for access on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.gate.access_driver import AGENTS, PEOPLE, RULES
from tests.server.desk import desk, files

from .shell import PASSWORD, autonomy


def test_a_supervisor_asks_that_an_agent_gets_a_role(tmp_path: Path) -> None:
    roles = PEOPLE[PEOPLE.index("kind: Role\nmetadata: { name: reader") - len("\napiVersion: autonomy/v1\n") :]
    organisation = files(agents="---".join((roles, AGENTS)), policy=RULES)
    with desk(tmp_path / "office", organisation=organisation) as it:
        it.invited("suzi", PASSWORD)
        assert autonomy("login", "suzi", "--url", it.url, input=f"{PASSWORD}\n").code == 0
        asked = autonomy("access", "request", "novice", "presser", "--reason", "the press stands still")
        assert asked.code == 0, asked.err
        action = asked.out.partition(":")[0]
        assert f"{action}: asked through desk; it waits for people" in asked.out
        assert autonomy("approvals", "show", action, "--json").json["tool"] == "access.request"
        unknown = autonomy("access", "request", "clerk-1", "clerk", "--reason", "x")
        assert (unknown.code, unknown.error) == (1, "access.nobody_asks")
        refused = autonomy("access", "request", "novice", "presser", "--reason", "x", "--through", "novice")
        assert refused.code == 1 and "tool.unknown" in refused.out
