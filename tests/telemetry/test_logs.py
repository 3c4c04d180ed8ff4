"""The process log: readable by machines and people, about the action at hand, and without anybody's secrets."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import autonomy
from autonomy.kernel.errors import Invalid
from autonomy.kernel.ids import new_id
from autonomy.telemetry.logs import Written, configure, read_levels
from autonomy.telemetry.redaction import REDACTED, redacted
from tests.cli.shell import COMMAND
from tests.gate.test_secrets import CANARY, PERMIT, echoing, provoke, spellings, systems
from tests.gate.works import Plant, organisation, works
from tests.server.desk import desk


@contextmanager
def logged(levels: str = "info", form: str = "json") -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    root, rooms = logging.getLogger(), ("autonomy", "autonomy.gate", "autonomy.requests")
    before = [(name, logging.getLogger(name).level) for name in ("", *rooms)]
    stream = io.StringIO()
    configure(levels, form, stream)
    try:
        yield stream
    finally:
        for each in [each for each in root.handlers if isinstance(each, Written)]:
            root.removeHandler(each)
        for name, level in before:
            logging.getLogger(name).setLevel(level)


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_place() -> None:
    with logged() as stream:
        logging.getLogger("autonomy.gate").info("recovered %s: %s", "act_1", "done\nand more")
    (said,) = objects(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said.pop("at"))
    assert said == {"level": "info", "logger": "autonomy.gate", "message": "recovered act_1: done\nand more"}


def test_for_people_a_record_cannot_look_like_another_one() -> None:
    with logged(form="lines") as stream:
        logging.getLogger("autonomy.gate").warning("%s", "x\n2026-01-01 ERROR autonomy: forged \x1b[31m")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("WARNING autonomy.gate: x")
    assert second.startswith("    2026-01-01 ERROR") and "\x1b" not in second


def test_a_terminal_gets_lines_and_everything_else_gets_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, is_json in ((Terminal(), False), (io.StringIO(), True)):
        with logged():
            configure("info", "auto", stream)
            logging.getLogger("autonomy").info("hello")
        assert stream.getvalue().startswith("{") is is_json


def test_levels_are_set_for_the_whole_and_for_rooms_and_libraries_stay_quiet() -> None:
    with logged("warning,gate=debug") as stream:
        logging.getLogger("autonomy.gate").debug("told")
        logging.getLogger("autonomy.server").info("not told")
        logging.getLogger("urllib3").debug("not told")
        logging.getLogger("sqlalchemy.engine").info("not told")
    assert [said["message"] for said in objects(stream)] == ["told"]


@pytest.mark.parametrize(
    "levels", ["", "loud", "gate=", "gate=loud", "=info", "in fo", "gate.*=info", "info,,gate=info"]
)
def test_a_level_that_is_none_is_refused(levels: str) -> None:
    with pytest.raises(Invalid) as refused:
        list(read_levels(levels))
    assert refused.value.code == "log.level"
    with pytest.raises(Invalid) as refused:
        configure("info", "yaml")
    assert refused.value.code == "log.form"


def test_of_an_error_kind_and_place_are_told_and_never_its_words() -> None:
    with logged() as stream:
        try:
            try:
                raise ValueError("canary-cause")
            except ValueError as cause:
                raise RuntimeError("canary-error") from cause
        except RuntimeError:
            logging.getLogger("autonomy.gate").exception("the connector broke")
    (said,) = objects(stream)
    assert said["error"] == "RuntimeError" and said["trace"].startswith("after ValueError")
    assert "test_logs.py" in said["trace"] and 'raise RuntimeError("canary' in said["trace"], (
        "our own source may be shown"
    )
    told = stream.getvalue().replace('raise RuntimeError(\\"canary-error\\")', "")
    assert "canary" not in told


def test_what_the_event_loop_says_of_an_unseen_error_is_cut_to_its_first_line() -> None:
    canary = "-".join(("canary", "of", "a", "task"))

    async def forget() -> None:
        async def break_down() -> None:
            raise RuntimeError(await asyncio.sleep(0, canary))

        task = asyncio.create_task(break_down())
        await asyncio.wait([task])

    with logged() as stream:
        asyncio.run(forget())
    (said,) = objects(stream)
    assert said["logger"] == "asyncio" and said["error"] == "RuntimeError" and canary not in stream.getvalue()


SECRETS = (
    "Authorization: Bearer {}",
    "authorization: basic {}",
    "postgresql://autonomy:{}@db/x",
    "password={}",
    'api_key: "{}"',
    "client_secret={}&grant_type=x",
    "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----",
)


@pytest.mark.parametrize("form", SECRETS)
@given(secret=some.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=20, max_size=60))
def test_what_looks_like_a_credential_is_taken_out(form: str, secret: str) -> None:
    said = redacted(f"before {form.format(secret)} after")
    assert secret not in said and REDACTED in said and said.startswith("before")


def prefixes() -> set[str]:
    """What our own secrets begin with: the constants of this form in every module that makes or reads one."""
    found: set[str] = set()
    for path in Path(autonomy.__file__).parent.rglob("*.py"):
        text = path.read_text()
        if "secrets.token_urlsafe(" in text or "whsec_" in text:
            found.update(
                re.findall(r'"([a-z]+)_?"', "\n".join(re.findall(r"^_[A-Z, _]+ = [^({\[]*$", text, re.MULTILINE)))
            )
    return found


def test_every_prefix_of_our_own_secrets_is_known() -> None:
    assert prefixes() >= {"aos", "aosi", "aosk", "aosp", "site", "whsec"}


@pytest.mark.parametrize("prefix", sorted(prefixes()))
@given(secret=some.binary(min_size=32, max_size=32))
def test_a_secret_of_our_own_is_taken_out_by_its_prefix(prefix: str, secret: bytes) -> None:
    number = new_id("key").removeprefix("key") + "_" if prefix in ("aos", "aosk", "site") else "_"
    encode = base64.b64encode if prefix == "whsec" else base64.urlsafe_b64encode
    shown = f"{prefix}{number}{encode(secret).decode()}"
    assert redacted(f"the worker said `{shown.rstrip('=')}` to us") == f"the worker said `{REDACTED}` to us"


def test_a_name_that_begins_like_a_key_of_a_site_stays() -> None:
    assert redacted("site_connection_unavailable at site_key") == "site_connection_unavailable at site_key"


@given(some.text(max_size=200))
def test_nothing_else_is_lost(text: str) -> None:
    assert redacted(text) == text or REDACTED in redacted(text)


def test_a_line_says_which_request_action_and_case_it_is_about(tmp_path: Path) -> None:
    def behaves(_arguments: object, _invocation: object) -> dict[str, str]:
        logging.getLogger("autonomy.plant").info("pressed")
        return {}

    with logged("info,requests=debug") as stream, desk(tmp_path) as it:
        it.plant.behaves["press"] = behaves
        body = {"tool": "press", "arguments": {"n": 1}, "case": "order-7"}
        action = it.agent().post("/v1/actions", body, X_Request_Id="order-7.1").json["action"]
    asked = {each["logger"]: each for each in objects(stream) if each.get("request") == "order-7.1"}
    assert re.fullmatch(r"POST /v1/actions 200 in \d+\.\d ms", asked["autonomy.requests"]["message"])
    inside = asked["autonomy.plant"]
    assert (inside["action"], inside["case"], inside["agent"]) == (action, "order-7", "w1")


async def test_no_credential_is_in_the_log_whatever_goes_wrong(
    tmp_path: Path, database_url: str, postgres_server: str
) -> None:
    with logged("debug") as stream:
        async with echoing() as (port, heard):
            files = organisation(tools=systems(port, f"{postgres_server}/nowhere"), budgets="", policy=PERMIT)
            async with works(tmp_path, database_url, Plant(), files=files, living=True) as it:
                for name, value in CANARY.items():
                    await asyncio.to_thread(it.system.secrets.set, name, value, "person:ada")
                await provoke(it)
                await it.settle()
                for value in CANARY.values():
                    # What nobody ought to write, written all the same: the second wall is looked at as well.
                    logging.getLogger("autonomy.tools").error("sent `Authorization: Bearer %s`", value)
    assert any(CANARY["web-key"].encode() in request for request in heard), "it did go out"
    told = stream.getvalue().encode()
    assert told.count(REDACTED.encode()) >= len(CANARY)
    for value in CANARY.values():
        for spelling in spellings(value):
            assert spelling not in told, spelling


def test_the_log_of_commands_that_serve_is_set_by_option_and_by_environment(tmp_path: Path) -> None:
    command = [str(COMMAND), "serve", "--data", str(tmp_path), "--log", "loud"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "`loud` is no level of a log" in done.stderr
