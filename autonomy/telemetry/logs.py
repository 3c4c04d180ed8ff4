"""The process log: a line for a person at a terminal, or one JSON object a line for everybody else.

Every line says which request, action and case it is about. Of an error it says what kind it is and where it happened,
never its words, which may hold what somebody sent; what looks like a credential is taken out of all the rest.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

from autonomy.kernel.clock import rfc3339
from autonomy.kernel.errors import Invalid

from .arrival import arrival
from .figures import Tally
from .passage import passage
from .redaction import redacted

FORMS = ("auto", "lines", "json")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
ROOT = "autonomy"
MAX_MESSAGE = 8_192  # characters; a line that says more says nothing
MAX_FRAMES = 30

_ROOM = re.compile(r"[a-z_]+(\.[a-z_]+)*")

written = Tally(*((level,) for level in (*LEVELS, "critical")))
"""How many lines were written, by level."""


def configure(levels: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Let this process log to `stream` (the error stream by default), and nobody else's handlers with it.

    `levels` is one level, and further ones for rooms: `info,gate=debug,requests=debug`. Libraries are heard from
    `warning` upwards, whatever is asked: at `debug` some of them write down what they send. Raises Invalid (`log.*`).
    """
    told = stream or sys.stderr
    chosen = dict(read_levels(levels))
    if form not in FORMS:
        raise Invalid(f"`{form}` is no form of a log", code="log.form", hint=f"choose among {', '.join(FORMS)}")
    as_lines = form == "lines" or (form == "auto" and told.isatty())
    handler = Written(told)
    handler.setFormatter(Lines() if as_lines else Objects())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, Written)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name, level in chosen.items():
        logging.getLogger(name).setLevel(level)


def read_levels(levels: str) -> Iterator[tuple[str, int]]:
    """Logger and level of each part of a setting; raises Invalid (`log.level`)."""
    for part in levels.split(","):
        room, equals, word = part.strip().rpartition("=")
        level = LEVELS.get(word.strip().lower())
        if level is None or (equals and not _ROOM.fullmatch(room.strip())):
            raise Invalid(
                f"`{part.strip()[:40]}` is no level of a log",
                code="log.level",
                hint=f"write one of {', '.join(LEVELS)}, or for one room for example `gate=debug`",
            )
        yield f"{ROOT}.{room.strip()}" if room else ROOT, level


class Written(logging.StreamHandler[TextIO]):
    """Writes lines and counts them."""

    def emit(self, record: logging.LogRecord) -> None:
        written.add(record.levelname.lower())
        super().emit(record)


class Objects(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **about(),
        }
        error = _error(record)
        if error is not None:
            said["error"], said["trace"] = type(error).__name__, redacted(trace_of(error))
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class Lines(logging.Formatter):
    """A line for people, and below it where an error happened."""

    def format(self, record: logging.LogRecord) -> str:
        said = " ".join(f"{name}={value}" for name, value in about().items())
        stamp, level = rfc3339(int(record.created * 1000)), record.levelname
        # One record is one line: a word from elsewhere must not look like a line of ours.
        line = f"{stamp} {level:7} {record.name}: {_printable(_message(record))}"
        error = _error(record)
        found = "" if error is None else f"\n{type(error).__name__}\n{redacted(trace_of(error))}".rstrip()
        return f"{line}  {said}{found}" if said else f"{line}{found}"


def about() -> dict[str, str]:
    """What the code at hand is busy with: `request`, `action`, `case`, `agent`, `trace`, as far as there are any."""
    asked, acted = arrival(), passage()
    said = {"request": asked.id} if asked is not None else {}
    if acted is not None:
        trace = f"{acted.trace.id:032x}" if acted.trace and acted.trace.id else ""
        named = {"action": acted.action, "case": acted.case, "agent": acted.agent, "trace": trace}
        said |= {name: _printable(value) for name, value in named.items() if value}
    return said


def trace_of(error: BaseException) -> str:
    """Where an error happened and what it came from, by kinds and places, without anybody's words."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-MAX_FRAMES:])
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    below = f"after {type(cause).__name__}\n" if cause is not None else ""
    return f"{below}{frames}"


def _message(record: logging.LogRecord) -> str:
    said = record.getMessage()[:MAX_MESSAGE]
    if not record.name.startswith(ROOT):
        said = said.partition("\n")[0]  # below its first line a library shows objects, and with them their values
    return redacted(said)


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text).replace("\n", "\n    ")
