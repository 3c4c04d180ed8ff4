"""MCP servers that are programs: what they may do to us, which is little, and what is known after each failure."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Refused, Unreachable, Unsure
from autonomy.tools.child import PROCESSES
from autonomy.tools.credential import REDACTED, Credential
from tests.tools.living import is_there

from .servers import ROOT, WORK, bench, hostile, misbehaving, pinned, ready, tickets


async def gone(*pids: int) -> None:
    """Wait until the processes are gone, as they soon must be: a kill is carried out by the system in its own time."""
    while any(map(is_there, pids)):
        await asyncio.sleep(0.01)


async def call(manner: str, effect: str = "read", **use: object) -> object:
    """What a call of the hostile server's tool gives."""
    async with misbehaving(manner, effect, **use) as connectors:
        return await connectors.call("work", 25.0, n=1)


async def test_tools_of_a_server_by_the_official_sdk_are_called(wordings: dict[str, str]) -> None:
    tools = [pinned(name, wordings[name]) for name in ("get_ticket", "add_note", "close_ticket", "ask_model")]
    async with bench(tickets(), *tools) as connectors:
        assert await connectors.call("get_ticket", 20.0, id=7) == {"text": "ticket 7 is open"}
        assert await connectors.call("add_note", 20.0, id=7, note="call back") == {
            "id": 7,
            "note": "call back",
            "notes": 1,
        }
        with pytest.raises(Refused, match="there is no ticket 101"):
            await connectors.call("close_ticket", 20.0, id=101)
        assert "was refused" in str(await connectors.call("ask_model", 20.0))


async def test_many_calls_share_one_program_and_get_their_own_answers(wordings: dict[str, str]) -> None:
    async with bench(tickets(), pinned("get_ticket", wordings["get_ticket"])) as connectors:
        answers = await asyncio.gather(*(connectors.call("get_ticket", 20.0, id=number) for number in range(50)))
    assert answers == [{"text": f"ticket {number} is open"} for number in range(50)]


async def test_a_program_sees_what_is_declared_and_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch, wordings: dict[str, str]
) -> None:
    monkeypatch.setenv("AUTONOMY_KEY", "the master key")
    use = tickets() | {"credential": "desk-token", "variable": "DESK_TOKEN"}
    secret = Credential("desk-token", 1, "s3cr3t-token")
    tool = pinned("environment", wordings["environment"])
    async with bench(use, tool, reveal=lambda _: secret) as connectors:
        seen = (await connectors.call("environment", 20.0))["text"]
    assert "AUTONOMY_KEY" not in seen
    assert f"DESK_TOKEN={REDACTED}" in seen
    names = {line.partition("=")[0] for line in seen.splitlines()}
    assert names <= {
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "PYTHONPATH",
        "DESK_TOKEN",
        "LC_CTYPE",
        "__CF_USER_TEXT_ENCODING",
    }


async def test_a_command_that_nobody_admitted_is_not_started() -> None:
    use = {"type": "mcp", "command": hostile("told")}
    for programs in ((), ("other",), (f"{hostile('told')[0]} -m",)):
        async with bench(use, pinned("work", WORK), programs=programs) as connectors:
            with pytest.raises(Unreachable) as caught:
                await connectors.call("work")
            assert caught.value.code == "program.not_admitted"
    async with bench(use, pinned("work", WORK), programs=(" ".join(hostile("told")[:3]),)) as connectors:
        assert await connectors.call("work", 20.0, n=1)


async def test_a_program_that_is_not_there_is_unreachable() -> None:
    use = {"type": "mcp", "command": ["/no/such/program"]}
    async with bench(use, pinned("work", WORK, effect="write-neither")) as connectors:
        with pytest.raises(Unreachable) as caught:
            await connectors.call("work")
    assert caught.value.code == "program.missing"


async def test_the_action_and_renamed_arguments_arrive() -> None:
    arguments = {"reference": "action_id", "who": "agent", "amount": "n", "absent": "m"}
    use = {"type": "mcp", "command": hostile("told")}
    async with bench(use, pinned("work", WORK, effect="write-keyed", call={"arguments": arguments})) as connectors:
        told = await connectors.call("work", n=3)
    assert told["arguments"] == {"reference": "act_1", "who": "spiffe://example.org/agent/buyer", "amount": 3}
    assert told["_meta"]["autonomy/action"] == "act_1"


@pytest.mark.parametrize(
    ("manner", "read", "write"),
    [
        ("flood", Unreachable, Unsure),
        ("huge", Unreachable, Unsure),
        ("endless", Unreachable, Unsure),
        ("leaves", Unreachable, Unsure),
        ("wrong", Unreachable, Unsure),
        ("nothing", Unreachable, Unsure),
        ("unknown", Refused, Refused),
        ("input", Refused, Unsure),
        ("failed", Refused, Unsure),
    ],
)
async def test_what_is_known_after_a_failure(
    manner: str, read: type[AutonomyError], write: type[AutonomyError]
) -> None:
    for effect, kind in (("read", read), ("write-neither", write)):
        with pytest.raises(AutonomyError) as caught:
            await call(manner, effect)
        assert type(caught.value) is kind
        assert "\0" not in caught.value.message


@pytest.mark.parametrize("manner", ["ends-at-once", "list-endless", "list-twice", "list-broken", "list-large", "old"])
async def test_a_server_whose_list_cannot_be_read_gets_no_write(manner: str) -> None:
    with pytest.raises(Unreachable):
        await call(manner, "write-neither")


async def test_noise_that_stays_within_bounds_is_passed_over() -> None:
    assert await call("chatter") == {"text": "at last"}
    assert await call("repeats") == {"text": "first"}


async def test_whatever_a_server_asks_of_us_is_refused() -> None:
    refusals = json.loads((await call("asks"))["text"])  # type: ignore[index]
    assert [one["id"] for one in refusals] == ["mine-0", "mine-1", "mine-2", "mine-3"]
    assert [one.get("error", {}).get("code") for one in refusals] == [-32601, -32601, -32601, None]
    assert refusals[3]["result"] == {}


async def test_a_call_that_hangs_ends_in_time_and_the_server_is_told(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    async with misbehaving("cancelled", "write-neither") as connectors:
        await ready(connectors)
        with pytest.raises(Unsure):
            await connectors.call("work", 1.0, file=str(heard))
        await asyncio.to_thread(_wait_for, heard)
    found = json.loads(heard.read_text())
    assert found["asked"] == found["cancelled"]


async def test_stopping_a_call_leaves_a_write_in_doubt_and_others_alone(tmp_path: Path) -> None:
    async with misbehaving("cancelled", "write-neither") as connectors:
        await ready(connectors)
        task = asyncio.create_task(connectors.call("work", 8.0, file=str(tmp_path / "heard")))
        while not _pending(connectors):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(_wait_for, tmp_path / "heard")


async def test_a_program_and_what_it_started_end_with_the_connector() -> None:
    async with misbehaving("children") as connectors:
        pids = [int(pid) for pid in (await connectors.call("work"))["text"].split()]
        assert all(map(is_there, pids))
    await gone(*pids)


async def test_what_leaves_the_session_of_a_program_ends_with_it() -> None:
    async with misbehaving("runaway") as connectors:
        pid = int((await connectors.call("work"))["text"])
        assert is_there(pid)
    await gone(pid)


async def test_a_program_with_too_many_processes_is_ended_with_all_of_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "autonomy.tools")
    with pytest.raises(Unreachable):
        await call("crowd")
    assert f"it started more than {PROCESSES} processes" in caplog.text


async def test_a_program_is_asked_to_end_before_it_is_killed(tmp_path: Path) -> None:
    async with misbehaving("asked-to-end") as connectors:
        await connectors.call("work", file=str(tmp_path / "heard"))
    assert (tmp_path / "heard").read_text() == "asked"


async def test_programs_end_with_the_server_that_started_them(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tools.mcp.serve_runaway", str(kept), cwd=ROOT
    )
    await asyncio.to_thread(_wait_for, kept)
    server.kill()
    await server.wait()
    await gone(*map(int, kept.read_text().split()))


async def test_what_is_no_program_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "autonomy.tools")
    script = tmp_path / "script"
    script.write_text("no line that says what runs it")
    script.chmod(0o700)
    use = {"type": "mcp", "command": [str(script)], "timeout": "30s"}
    async with bench(use, pinned("work", WORK)) as connectors:
        with pytest.raises(Unreachable):
            await connectors.call("work")
    assert "cannot be started: Exec format error" in caplog.text


async def test_a_program_that_does_not_end_by_itself_is_killed() -> None:
    async with misbehaving("deaf") as connectors:
        await ready(connectors)
        with pytest.raises(Unreachable):
            await connectors.call("work", 1.0)
        pid = _child(connectors)
    await gone(pid)


async def test_a_program_that_ended_is_started_again_ever_later() -> None:
    async with misbehaving("leaves") as connectors:
        outcomes = []
        for _ in range(4):
            with pytest.raises(Unreachable) as caught:
                await connectors.call("work")
            outcomes.append(caught.value.code)
    assert set(outcomes) == {"upstream.failed"}, "it answered its list each time, so it may be tried each time"
    async with misbehaving("ends-at-once") as connectors:
        outcomes = []
        for _ in range(4):
            with pytest.raises(Unreachable) as caught:
                await connectors.call("work")
            outcomes.append(caught.value.code)
    assert outcomes[0] != "upstream.resting"
    assert outcomes[-1] == "upstream.resting"


async def test_a_program_is_started_again_with_a_rotated_credential(wordings: dict[str, str]) -> None:
    use = tickets() | {"credential": "desk-token", "variable": "DESK_TOKEN"}
    secrets = [Credential("desk-token", 1, "first-value")]
    tool = pinned("get_ticket", wordings["get_ticket"])
    async with bench(use, tool, reveal=lambda _: secrets[-1]) as connectors:
        await connectors.call("get_ticket", 20.0, id=1)
        before = _child(connectors)
        secrets.append(Credential("desk-token", 2, "second-value"))
        connectors.connectors._outbound._keyring._known.clear()  # as two seconds later
        await connectors.call("get_ticket", 20.0, id=1)
        after = _child(connectors)
        assert before != after
        assert b"second-value" in Path(f"/proc/{after}/environ").read_bytes()
    await gone(before)


def _wait_for(path: Path) -> None:
    done = os.times().elapsed + 25
    while not (path.exists() and path.read_text()):
        assert os.times().elapsed < done, f"{path} was never written"


def _contact(connectors: object) -> object:
    return connectors.connectors._lines["desk"].connector._contacts[()]  # type: ignore[attr-defined]


def _pending(connectors: object) -> bool:
    return bool(_contact(connectors)._open.wire._pending)  # type: ignore[attr-defined]


def _child(connectors: object) -> int:
    return int(_contact(connectors)._open.wire._child.pid)  # type: ignore[attr-defined]
