"""Secrets in a manifest by mistake. A heuristic that knows the usual shapes; it never repeats what it found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autonomy.kernel.canonical import Json

from .organisation import Organisation, Revision
from .problem import Problem, about
from .yaml_text import inside

_SHAPES = (
    (re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"), "a URL with a password"),
    (
        re.compile(r"[?&](password|passwd|pwd|token|secret|api_?key|access_key)=[^&\s]+", re.IGNORECASE),
        "a URL with a password",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), "an access key"),
    (
        re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{30,}|xox[abpr]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,})"),
        "an access token",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"), "a signed token"),
)


def secrets(organisation: Organisation) -> Iterator[Problem]:
    """Fields that seem to hold a secret."""
    for revision in organisation.revisions():
        yield from secrets_of(revision)


def secrets_of(revision: Revision) -> Iterator[Problem]:
    """Fields of one object that seem to hold a secret."""
    for path, text in _texts(revision.spec.model_dump(exclude_unset=True), "spec"):
        if found := next((what for shape, what in _SHAPES if shape.search(text)), None):
            hint = "store it with `autonomy secret set NAME` and name it as the connector's `credential`"
            yield about(revision, path, f"holds what looks like {found}", hint)


def _texts(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Every text in `value` with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, field in value.items():
            yield from _texts(field, inside(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, inside(path, index))
