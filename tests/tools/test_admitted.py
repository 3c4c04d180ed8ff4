"""Programs are started only where whoever runs the process has said so."""

from __future__ import annotations

import pytest

from autonomy.kernel.errors import Invalid
from autonomy.tools.admitted import Admitted
from autonomy.tools.errors import Unreachable


@pytest.mark.parametrize(
    ("beginnings", "command"),
    [
        (["robot"], ["robot"]),
        (["robot"], ["robot", "--task", "Book", "ledger.robot"]),
        (["npx -y @acme/desk"], ["npx", "-y", "@acme/desk", "--stdio"]),
        (["other", "'/opt/my robot' run"], ["/opt/my robot", "run"]),
        (["*"], ["/bin/anything", "at", "all"]),
    ],
)
def test_a_command_line_that_begins_as_admitted_may_be_started(beginnings: list[str], command: list[str]) -> None:
    Admitted(beginnings).require(command)


@pytest.mark.parametrize(
    ("beginnings", "command"),
    [
        ([], ["robot"]),
        (["", "  "], ["robot"]),
        (["robot"], ["robots"]),
        (["robot"], ["/opt/robot"]),
        (["robot"], ["env", "robot"]),
        (["npx -y @acme/desk"], ["npx", "-y"]),
        (["npx -y @acme/desk"], ["npx", "-y", "@acme/desk-evil"]),
        (["npx -y @acme/desk"], ["npx", "-y @acme/desk"]),
        (["* robot"], ["robot"]),
    ],
)
def test_no_other_may_be_started(beginnings: list[str], command: list[str]) -> None:
    with pytest.raises(Unreachable) as caught:
        Admitted(beginnings).require(command)
    assert caught.value.code == "program.not_admitted"


def test_what_no_shell_could_read_is_said_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        Admitted(["robot", "'/opt/my robot"])
    assert caught.value.code == "settings.programs"
