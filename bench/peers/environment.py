"""A peer's own virtual environment, made once by uv under the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

INSTALL_SECONDS = 120


class NotInstallable(Exception):
    """The peer cannot be installed here; the text says why."""


def python_with(name: str, version: str, *more: str) -> Path:
    """The interpreter of an environment that holds this very package, and `more`. Raises NotInstallable."""
    folder = _cache() / f"{name}-{version}"
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        uv = os.environ.get("UV") or shutil.which("uv")
        if uv is None:
            raise NotInstallable("`uv` is not on the path")
        _run(uv, "venv", "--quiet", "--clear", str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), f"{name}=={version}", *more)
        complete.touch()
    return python


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "autonomy-bench"


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstallable(f"`{' '.join(command[1:3])}` failed ({type(error).__name__})") from None
