"""A connector of one's own to begin with: a small package with manifest and tests, in files."""

from __future__ import annotations

import re
from importlib.resources import files

from autonomy.kernel.errors import Invalid

_NAME = re.compile(r"[a-z][a-z0-9]{1,30}(-[a-z0-9]{1,30}){0,4}")


def package(name: str) -> dict[str, str]:
    """Path to text of every file. Raises Invalid (`connector.name`) for a name that cannot name a Python package."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"`{name[:80]}` cannot name a package", code="connector.name", hint="small letters, digits and `-`"
        )
    module = name.replace("-", "_")
    words = {"NAME": name, "MODULE": module, "VARIABLE": f"{module.upper()}_URL"}
    found = {}
    for each in files(__name__).joinpath("template").iterdir():
        path, text = each.name.removesuffix(".txt").replace("+", "/"), each.read_text(encoding="utf-8")
        found[_filled(path, words)] = _filled(text, words)
    return found


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
