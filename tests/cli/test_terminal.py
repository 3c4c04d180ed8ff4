"""On a terminal a person is asked before anything that cannot be taken back, and nothing secret is echoed."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autonomy.sdk import AgentClient, Client

from .shell import COMMAND, PASSWORD, Company

SignIn = Callable[[str], Client]


def at_terminal(words: list[str], answers: list[tuple[str, str]], *, colours: bool = False) -> tuple[int, str]:
    """Run the command at a terminal, typing each answer when its prompt appears; returns how it ended and all shown."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"} | ({} if colours else {"NO_COLOR": "1"})
    process = subprocess.Popen([COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, waiting = "", list(answers)
    try:
        while piece := _read(ours):
            shown += piece
            if waiting and waiting[0][0] in shown:
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
    finally:
        os.close(ours)
    return process.wait(30), shown


def _read(terminal: int) -> str:
    """What appears next; nothing once the command has ended."""
    try:
        return os.read(terminal, 65_536).decode("utf-8", "replace")
    except OSError:
        return ""


@pytest.fixture
def held(served: Company, monkeypatch: pytest.MonkeyPatch) -> str:
    """A payment that waits for the finance manager."""
    monkeypatch.setenv("AUTONOMY_URL", served.url)
    with sqlite3.connect(served.data / "business.sqlite") as connection:
        connection.execute("UPDATE invoice SET status = 'approved' WHERE id = 'inv-1'")
        connection.execute("DELETE FROM payment")
    agent = AgentClient(served.url, key=served.key)
    arguments = {"invoice_id": "inv-1", "amount": "1200.00"}
    return agent.act("payment.release", arguments, case=f"case-{os.urandom(4).hex()}").action


def test_who_says_no_has_decided_nothing(held: str, sign_in: SignIn) -> None:
    client = sign_in("felix")
    code, shown = at_terminal(["approvals", "decide", held, "--approve"], [("Approve it?", "n")])
    assert code == 1
    assert "1,200.00 EUR" in shown.partition("Approve it?")[0], "shown before it is asked"
    assert client.approval(held)["state"] == "waiting"
    code, _ = at_terminal(["approvals", "decide", held, "--reject"], [("Reject it?", "y")])
    assert code == 0
    assert client.approval(held)["state"] == "rejected"


def test_a_password_is_asked_for_and_not_echoed(served: Company, sign_in: SignIn) -> None:
    sign_in("ada")
    code, shown = at_terminal(["login", "--url", served.url], [("Name", "ada"), ("Password: ", PASSWORD)])
    assert code == 0
    assert "Ada Brandt is signed in" in shown
    assert PASSWORD not in shown


def test_colours_are_for_terminals_and_off_where_they_are_not_wanted(served: Company, sign_in: SignIn) -> None:
    sign_in("ada")
    assert "\x1b[32m" in at_terminal(["agents"], [], colours=True)[1]
    assert "\x1b[3" not in at_terminal(["agents"], [])[1]


def test_ending_an_agent_for_good_is_asked(sign_in: SignIn) -> None:
    client = sign_in("ada")
    code, shown = at_terminal(["agent", "retire", "stock-watcher", "--reason", "r"], [("for good?", "n")])
    assert (code, "nothing was done" in shown) == (1, True)
    assert client.agent("stock-watcher")["state"] == "active"


def test_following_the_log_ends_in_silence(served: Company, sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    process = subprocess.Popen(
        [COMMAND, "audit", "tail", "-f", "-n", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    AgentClient(served.url, key=served.key).act("invoice.list_open", {})
    assert b"intent" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert b"Traceback" not in process.communicate(timeout=30)[1]
    assert process.returncode == -signal.SIGINT  # a shell shows it as 130
