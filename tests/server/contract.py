"""What our document says an operation may answer, so that every test of the server looks at it in passing."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

PEOPLE = "openapi.json"
FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@cache
def document(name: str = PEOPLE) -> dict[str, Any]:
    """A published document: that of the API for people, or `openapi-v1.json` of actions."""
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def check_documented(method: str, path: str, status: int) -> None:
    """Fail where the document does not say that the operation may answer with this status."""
    plain = path.partition("?")[0]
    for template, operations in _templates():
        if method.lower() in operations and template.fullmatch(plain):
            told = operations[method.lower()]["responses"].keys()
            assert str(status) in told, f"{method} {plain} answers {status}, which its document does not say"
            return


@cache
def _templates() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = [*document()["paths"].items(), *document("openapi-v1.json")["paths"].items()]
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations) for path, operations in paths]
