"""Programs: what they are given, what they cannot do, and what becomes of them when time is up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Invocation, Refused, Unreachable, Unsure, check
from autonomy.tools.credential import Credential
from autonomy.tools.launch import __file__ as LAUNCH

from .living import is_there
from .organisations import Bench, arguments, connector, organisation, tool

CANARY = "pass/word+canary"
SHOW = """
import json, os, resource, sys
from pathlib import Path
print(json.dumps({
    "argv": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd(), "stdin": sys.stdin.read(),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd") if int(name) < 100),
    "limits": [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS,
        resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)],
    "session": os.getsid(0) == os.getpid(),
}))
"""
INPUT = arguments(a="string", n="integer")


def bench(place: Path, script: str = SHOW, effect: str = "read", words: list[str] | None = None, **more: Any) -> Bench:
    (place / "script.py").write_text(script)
    run = {"arguments": ["script.py", *(words or [])], **more.pop("run", {})}
    settings = {"type": "process", "program": sys.executable, "inherit": [], **more}
    return Bench(
        connector("erp", **settings),
        tool("t", call={"run": run}, effect=effect, input=INPUT),
        folder=place,
        programs=[sys.executable],
        reveal=lambda name: Credential(name, 1, CANARY),
    )


async def call(made: Bench, deadline: float = 10.0, **values: Any) -> Any:
    async with made:
        return await made.call("t", deadline, **values)


async def test_a_program_gets_what_is_declared_and_nothing_else(tmp_path: Path) -> None:
    os.environ["AUTONOMY_TEST_CANARY"] = "do-not-pass-on"
    try:
        made = bench(tmp_path, words=["--to", "{a}", "n={n}"], environment={"LANG": "C"}, inherit=["HOME"])
        seen = await call(made, a="; rm -rf / $(id) `id` *", n=3)
    finally:
        del os.environ["AUTONOMY_TEST_CANARY"]
    assert seen["argv"] == ["--to", "; rm -rf / $(id) `id` *", "n=3"]
    given = set(seen["environment"]) - {"LC_CTYPE"}  # Python's own
    assert given == {"LANG", "HOME", "AUTONOMY_ACTION", "AUTONOMY_AGENT"}
    assert seen["environment"]["AUTONOMY_ACTION"] == "act_1"
    assert seen["stdin"] == "" and seen["session"]
    assert Path(seen["folder"]) == tmp_path.resolve()
    assert set(seen["descriptors"]) <= {0, 1, 2, 3}  # the last one is the look itself


async def test_limits_are_set_before_the_program_begins(tmp_path: Path) -> None:
    made = bench(tmp_path, cpuSeconds=7, memoryMegabytes=900, openFiles=33, fileMegabytes=2)
    assert (await call(made))["limits"] == [7, 900 * 2**20, 33, 2 * 2**20, 0]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("x = bytearray(2**30)", "exit code 1"),
        ("while True: pass", "signal"),
        ("open('large', 'wb').write(bytes(3 * 2**20))", "exit code 1"),
        ("files = [open('script.py') for _ in range(100)]", "exit code 1"),
    ],
)
async def test_a_program_beyond_its_limits_fails(tmp_path: Path, script: str, said: str) -> None:
    made = bench(tmp_path, script, cpuSeconds=1, memoryMegabytes=256, openFiles=40, fileMegabytes=1)
    with pytest.raises(Unreachable, match=said):
        await call(made, 90.0)  # on a busy machine a second of the processor may take many


async def test_the_credential_is_a_variable_or_on_stdin_and_never_an_argument(tmp_path: Path) -> None:
    seen = await call(bench(tmp_path, credential="pw", credentialVariable="PASSWORD", words=["x"]))
    assert seen["environment"]["PASSWORD"] == "[credential]" and seen["stdin"] == ""
    seen = await call(bench(tmp_path, credential="pw", run={"stdin": "arguments"}), a="x")
    said = json.loads(seen["stdin"])
    assert said["credential"] == "[credential]" and said["arguments"] == {"a": "x"} and said["action"] == "act_1"
    assert "[credential]" not in json.dumps(seen["environment"])
    shown = "import sys; print(sys.stdin.read(), file=sys.stderr); sys.exit(3)"
    with pytest.raises(Refused) as caught:
        await call(bench(tmp_path, shown, credential="pw", run={"refused": [3]}))
    assert CANARY not in str(caught.value) and "[credential]" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "passes"), [("-rf", False), ("--help", False), ("", True), ("a\0b", False), ("a-b", True)]
)
async def test_an_argument_is_a_value_and_no_option(tmp_path: Path, value: str, passes: bool) -> None:
    made = bench(tmp_path, words=["{a}"])
    if passes:
        assert (await call(made, a=value))["argv"] == [value]
        return
    with pytest.raises(Refused) as caught:
        await call(made, a=value)
    assert caught.value.code == "arguments.invalid"


@pytest.mark.parametrize("program", ["/bin/sh", "sh", "python3", sys.executable + "x"])
async def test_only_programs_that_are_admitted_are_started(tmp_path: Path, program: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await call(bench(tmp_path, program=program))
    assert caught.value.code == "program.not_admitted"


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "broken"])
async def test_a_program_that_cannot_be_started_has_done_nothing(tmp_path: Path, kind: str) -> None:
    program = tmp_path / kind
    if kind == "folder":
        program.mkdir()
    elif kind != "missing":
        program.write_text("#!/nowhere/at/all\n" if kind == "broken" else "hello")
        program.chmod(0o755 if kind == "broken" else 0o644)
    made = Bench(
        connector("erp", type="process", program=str(program)),
        tool("t", call={"run": {}}, effect="write-neither", input=INPUT),
        folder=tmp_path,
        programs=[str(program)],
    )
    with pytest.raises(Unreachable) as caught:
        await call(made)
    assert caught.value.code == "program.missing"


async def test_a_folder_that_is_not_there_means_that_nothing_was_started(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await call(bench(tmp_path, effect="write-neither", folder="nowhere"))


@pytest.mark.parametrize(
    ("code", "effect", "kind"),
    [
        (3, "write-neither", Refused),
        (5, "read", Refused),
        (1, "write-neither", Unsure),
        (1, "read", Unreachable),
        (127, "write-neither", Unsure),
    ],
)
async def test_exit_codes_mean_what_is_declared(
    tmp_path: Path, code: int, effect: str, kind: type[AutonomyError]
) -> None:
    made = bench(tmp_path, f"raise SystemExit({code})", effect, run={"refused": [3], "absent": [5]})
    with pytest.raises(kind):
        await call(made)


@pytest.mark.parametrize(("script", "value"), [("", None), ("print(' {\"a\": 1} ')", {"a": 1}), ("print(7)", 7)])
async def test_what_it_writes_is_its_result(tmp_path: Path, script: str, value: Any) -> None:
    assert await call(bench(tmp_path, script)) == value


async def test_text_is_a_result_where_it_is_declared(tmp_path: Path) -> None:
    assert await call(bench(tmp_path, "print('good day')", run={"output": "text"})) == {"text": "good day\n"}


@pytest.mark.parametrize(
    "script", ["print('no json')", 'print(\'{"a": 1, "a": 2}\')', "import os; os.write(1, b'\\xff')"]
)
async def test_what_is_no_json_leaves_a_write_in_doubt(tmp_path: Path, script: str) -> None:
    with pytest.raises(Unsure):
        await call(bench(tmp_path, script, "write-neither"))
    with pytest.raises(Unreachable):
        await call(bench(tmp_path, script))


FAMILY = """
import os, signal, sys
for _ in range(2):
    if os.fork() == 0:
        break
with open("family", "a") as file:
    file.write(f"{os.getpid()} ")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
"""


@pytest.mark.parametrize("way", ["deadline", "cancel"])
async def test_a_program_is_killed_with_all_it_has_started(tmp_path: Path, way: str) -> None:
    family = tmp_path / "family"
    family.write_text("")
    async with bench(tmp_path, FAMILY, "write-neither") as made:
        task = asyncio.create_task(made.call("t", 2.0 if way == "deadline" else 60.0))
        while len(family.read_text().split()) < 3 and not task.done():
            await asyncio.sleep(0.01)
        if way == "cancel":
            task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, Unsure if way == "deadline" else asyncio.CancelledError)
    for number in family.read_text().split():
        while is_there(int(number)):
            await asyncio.sleep(0.01)


RUNAWAY = """
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 3)
        with open("family", "a") as file:
            file.write(f"{os.getpid()} ")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
    os._exit(0)
WAIT
"""
"""What a daemon does to be left alone: twice a child, twice a session of its own."""


@pytest.mark.parametrize("way", ["deadline", "cancel", "end"])
async def test_what_leaves_the_session_of_its_program_ends_with_it(tmp_path: Path, way: str) -> None:
    family = tmp_path / "family"
    family.write_text("")
    wait = "while not open('family').read(): pass" if way == "end" else "signal.pause()"
    async with bench(tmp_path, RUNAWAY.replace("WAIT", wait), "write-neither") as made:
        task = asyncio.create_task(made.call("t", 2.0 if way == "deadline" else 60.0))
        while not family.read_text() and not task.done():
            await asyncio.sleep(0.01)
        if way == "cancel":
            task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert ended is None if way == "end" else isinstance(ended, Unsure | asyncio.CancelledError)
    family_names = family.read_text().split()  # none where the deadline came before it began
    assert way == "deadline" or len(family_names) == 1
    assert not any(is_there(int(number)) for number in family_names)


async def test_a_program_with_too_many_processes_is_ended_with_all_of_them(tmp_path: Path) -> None:
    crowd = "import os, signal\nfor _ in range(20):\n    if os.fork() == 0: signal.pause()\nsignal.pause()"
    with pytest.raises(Unsure, match="more than 8 processes"):
        await call(bench(tmp_path, crowd, "write-neither", processes=8), 60.0)


LARGE = """
import os, signal
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        held = bytearray(b"x" * 30 * 2**20)
        break
signal.pause()
"""
BURNING = """
import os, resource, signal, time
signal.signal(signal.SIGCHLD, signal.HANDLING)
def burnt():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
while True:
    if os.fork() == 0:
        while burnt() < 0.4: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
"""
"""One after the other uses less CPU time than is admitted to each; who ignores SIGCHLD is not told what they used."""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (LARGE, "more than 96 MB of memory"),
        (BURNING.replace("HANDLING", "SIG_DFL"), "more than 1 s of CPU time"),
        (BURNING.replace("HANDLING", "SIG_IGN"), "more than 1 s of CPU time"),
    ],
)
async def test_limits_of_memory_and_time_hold_for_a_program_with_all_it_has_started(
    tmp_path: Path, script: str, said: str
) -> None:
    with pytest.raises(Unreachable, match=f"killed by signal 9: it .* {said}") as caught:
        await call(bench(tmp_path, script, cpuSeconds=1, memoryMegabytes=96), 60.0)
    assert caught.value.code == "upstream.failed"


async def test_memory_that_processes_share_is_counted_once(tmp_path: Path) -> None:
    shared = """
import os, signal
held = bytearray(b"x" * 60 * 2**20)
others = [pid for _ in range(4) if (pid := os.fork()) or signal.pause()]
def looks():
    lines = open(f"/proc/{os.getppid()}/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("voluntary_ctxt")).split()[1])
until = looks() + 8
while looks() < until: os.sched_yield()
print(len(others))
"""
    assert await call(bench(tmp_path, shared, memoryMegabytes=192), 60.0) == 4


async def test_a_program_may_stop_who_watches_it_and_ends_all_the_same(tmp_path: Path) -> None:
    stop = """
import os, signal
open("family", "w").write(str(os.getpid()))
os.kill(os.getppid(), signal.SIGSTOP)
signal.pause()
"""
    with pytest.raises(Unsure):
        await call(bench(tmp_path, stop, "write-neither"), 4.0)
    await gone(int((tmp_path / "family").read_text()))


async def test_programs_end_with_the_server_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(RUNAWAY.replace("WAIT", "signal.pause()"))
    (tmp_path / "family").write_text("")
    launched = [sys.executable, str(LAUNCH), "1", "9", "core=0", sys.executable, "script.py"]
    starts = f"import subprocess; subprocess.Popen({launched!r}).wait()"
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", starts, cwd=tmp_path)
    while not (tmp_path / "family").read_text():
        await asyncio.sleep(0.01)
    server.kill()
    await server.wait()
    await gone(int((tmp_path / "family").read_text()))


async def gone(number: int) -> None:
    """Wait until the process has ended."""
    while is_there(number):
        await asyncio.sleep(0.01)


async def test_many_calls_at_once_leave_no_descriptor_behind(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.call("t")
        before = len(os.listdir("/proc/self/fd"))
        await asyncio.gather(*(made.call("t", 30.0) for _ in range(8)))
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("use", "run", "said"),
    [
        ({"inherit": ["AUTONOMY_KEY"]}, {}, "server's own"),
        ({"environment": {"AUTONOMY_ACTION": "x"}}, {}, "server's own"),
        ({"credentialVariable": "PASSWORD"}, {}, "no credential"),
        ({}, {"arguments": ["{none}"]}, "no argument `none`"),
        ({}, {"refused": [3], "stale": [3]}, "two things"),
    ],
)
def test_what_could_not_be_run_is_not_applied(use: dict[str, Any], run: dict[str, Any], said: str) -> None:
    declared = organisation(
        connector("erp", type="process", program="robot", **use), tool("t", call={"run": run}, input=INPUT)
    )
    assert any(said in one.message for one in check(declared))


async def test_each_agent_has_its_own_credential_there(tmp_path: Path) -> None:
    """Agents of one program, one after the other: nobody gets what was another's."""
    asked: list[str] = []

    def reveal(name: str) -> Credential:
        asked.append(name)
        return Credential(name, 1, f"{CANARY} of {name}")

    made = bench(tmp_path, "import os; print(len(os.environ['PASSWORD']))", credential="erp/{agent}")
    made.reveal = reveal
    made.organisation = organisation(
        connector(
            "erp",
            type="process",
            program=sys.executable,
            inherit=[],
            credential="erp/{agent}",
            credentialVariable="PASSWORD",
        ),
        tool("t", call={"run": {"arguments": ["script.py"]}}, input=INPUT),
    )
    async with made:
        for agent in ("buyer", "head-of-sales"):
            found = await made.connectors.call(made.tool("t"), {}, Invocation("act_1", agent, 10.0))
            assert found.value == len(f"{CANARY} of erp/{agent}")
    assert asked == ["erp/buyer", "erp/head-of-sales"]


MAIL = {"type": "mail", "host": "m", "sender": "a@b.example", "recipients": ["*@b.example"], "user": "u"}


@pytest.mark.parametrize(
    ("use", "fits"),
    [
        ({"type": "sql", "credential": "aws:erp/db#url"}, True),
        ({"type": "sql", "credential": "erp/{agent}"}, False),
        (
            {"type": "mail", "host": "m", "sender": "a@b", "recipients": ["*@b"], "user": "u", "credential": "{u}"},
            False,
        ),
        ({"type": "webhook", "url": "https://w.example", "credential": "w/{agent}"}, False),
        ({"type": "webhook", "url": "https://w.example", "credential": "aws:w#key"}, True),
    ],
)
def test_what_serves_all_agents_has_one_credential(use: dict[str, Any], fits: bool) -> None:
    if fits:
        connector("x", **use)
        return
    with pytest.raises(ValueError, match="credential"):
        connector("x", **use)
