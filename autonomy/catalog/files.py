"""An organisation's folder on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from autonomy.kernel.errors import NotFound

from .documents import is_document
from .manifest import CONFIG, STATE, TESTS, is_manifest
from .problem import Problem, invalid

MAX_FILE_BYTES = 1_048_576  # a manifest is read by people
MAX_FILES = 50_000
MAX_TOTAL_BYTES = 134_217_728  # 10,000 agents take some ten; beyond this it is not an organisation


def collect(path: Path) -> dict[str, str]:
    """The texts of the folder at `path`, or of the one file there, by path with `/` between folders.

    Tests and other files stay where they are. Raises NotFound, or Invalid with every file that cannot be read.
    """
    if path.is_file():
        found = {path.name: path}
    elif path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in _walk(path)}
    else:
        raise NotFound(f"there is no folder or file `{path}`", code="manifest.no_folder")
    return _texts(found)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files` into `folder`, each whole or not at all, creating folders as needed."""
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f"{target.name}.part")
        half.write_text(text, encoding="utf-8")
        half.replace(target)


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        inside = Path(base).relative_to(folder)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (inside / name).as_posix() != TESTS
        )
        for name in sorted(names):
            place = (inside / name).as_posix()
            if is_manifest(place) or is_document(place) or place == CONFIG:
                yield folder / place
    if (folder / STATE).is_file():
        yield folder / STATE


def _texts(files: Mapping[str, Path]) -> dict[str, str]:
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    total = 0
    if len(files) > MAX_FILES:
        raise invalid([Problem(message=f"more than {MAX_FILES} files", hint="split the folder into several scopes")])
    for name, path in files.items():
        size = path.stat().st_size
        total += size
        if size > MAX_FILE_BYTES and name != STATE:
            problems.append(Problem(message=f"larger than {MAX_FILE_BYTES} bytes", hint="split the file", file=name))
        elif total > MAX_TOTAL_BYTES:
            raise invalid([Problem(message=f"more than {MAX_TOTAL_BYTES} bytes", hint="split the folder", file=name)])
        else:
            _read(name, path, texts, problems)
    if problems:
        raise invalid(problems)
    return texts


def _read(name: str, path: Path, texts: dict[str, str], problems: list[Problem]) -> None:
    try:
        texts[name] = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(message="not UTF-8 text", hint="save it as UTF-8", file=name))
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        problems.append(Problem(message=f"cannot be read: {reason}", file=name))
