"""A connector of one's own to begin with: a small package with manifest and tests, in files."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from autonomy.kernel.errors import Invalid

_NAME = re.compile(r"[a-z][a-z0-9]{1,30}(-[a-z0-9]{1,30}){0,4}")


def package(name: str, checkout: Path | None = None) -> dict[str, str]:
    """Path to text of every file; the package is tested against the Autonomy OS of `checkout` where there is one, else
    of a registry. Raises Invalid (`connector.name`) for a name that cannot name a Python package."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"`{name[:80]}` cannot name a package", code="connector.name", hint="small letters, digits and `-`"
        )
    module = name.replace("-", "_")
    words = {"NAME": name, "MODULE": module, "VARIABLE": f"{module.upper()}_URL", "SOURCE": _source(checkout)}
    found = {}
    for each in files(__name__).joinpath("template").iterdir():
        path, text = each.name.removesuffix(".txt").replace("+", "/"), each.read_text(encoding="utf-8")
        found[_filled(path, words)] = _filled(text, words)
    return found


def checkout() -> Path | None:
    """The folder that this Autonomy OS was installed from; None where it came from a registry (PEP 610)."""
    told = json.loads(distribution("autonomy-os").read_text("direct_url.json") or "{}")
    return Path(unquote(urlsplit(told["url"]).path)) if "dir_info" in told else None


def _source(checkout: Path | None) -> str:
    """The lines by which uv finds it there."""
    found = {} if checkout is None else {"path": str(checkout), "editable": True}
    written = ", ".join(f"{name} = {json.dumps(value)}" for name, value in found.items())
    return f"[tool.uv.sources]\nautonomy-os = {{ {written} }}\n\n" if found else ""


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
