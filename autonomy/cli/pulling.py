"""The server's organisation written into a folder, without destroying how a person has arranged it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autonomy.catalog import collect, read
from autonomy.catalog.files import write
from autonomy.catalog.manifest import CONFIG, STATE, Folder
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.sdk import Client


@dataclass(frozen=True, slots=True)
class Pulled:
    """The files that were written and removed, by path in the folder."""

    written: list[str]
    removed: list[str]


def pull_into(folder: Path, client: Client, scope: str | None, note_only: bool) -> Pulled:
    """Write one scope of the server's organisation into `folder`; with `note_only` only the note of what it has.

    By default it is the scope of the folder, and for a new one that of the root unit. Raises Conflict
    (`folder.arranged`) where files of the folder hold objects that pulling would write elsewhere, NotFound
    (`scope.empty`) where nothing is declared in the scope.
    """
    mine = read(collect(folder)) if folder.is_dir() and any(folder.iterdir()) else None
    wanted = scope or (mine.scope if mine else _scope_of_root(client))
    files: dict[str, str] = client.pull(wanted)["files"]
    if not set(files) - {CONFIG, STATE}:
        raise NotFound(f"nothing is declared in the scope `{wanted}`", code="scope.empty")
    if note_only:
        write(folder, {STATE: files[STATE]})
        return Pulled([STATE], [])
    outdated = _outdated(mine, files) if mine else []
    write(folder, files)
    for name in outdated:
        (folder / name).unlink()
    return Pulled(sorted(files), outdated)


def _scope_of_root(client: Client) -> str | None:
    """The scope that declares the root unit; None where nothing is declared."""
    root = next((one["name"] for one in client.objects("Unit") if one["unit"] == one["name"]), None)
    return None if root is None else str(client.object("Unit", root)["scope"])


def _outdated(mine: Folder, files: Iterable[str]) -> list[str]:
    """Files of the folder whose one object the server no longer has."""
    told = set(files) - {CONFIG, STATE}
    holding: dict[str, list[str]] = {}
    for declared in mine.declared:
        holding.setdefault(declared.file, []).append(declared.manifest.metadata.name)
    for file, names in holding.items():
        if len(names) > 1 or Path(file).stem != names[0]:
            raise Conflict(
                f"`{file}` arranges its objects in its own way",
                code="folder.arranged",
                hint="pull into a new folder and compare, then `autonomy pull FOLDER --note-only` and apply",
            )
    return sorted(set(holding) - told)
