"""The server's organisation written into a folder, without destroying how a person has arranged it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autonomy.catalog import collect, read
from autonomy.catalog.export import place_of, state
from autonomy.catalog.files import write
from autonomy.catalog.manifest import CONFIG, STATE, Declared, Folder
from autonomy.catalog.revision import digest, written
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.sdk import Client

SHOWN = 5  # files that a refusal names in its sentence; its detail names all


@dataclass(frozen=True, slots=True)
class Pulled:
    """The files that were written and removed, by path in the folder."""

    written: list[str]
    removed: list[str]


def pull_into(folder: Path, client: Client, scope: str | None, note_only: bool, force: bool = False) -> Pulled:
    """Write one scope of the server's organisation into `folder`; with `note_only` only the note of what it has.

    By default it is the scope of the folder, and for a new one that of the root unit. What says the same is left as it
    is written, and what the server never had stays, as does what may not be read. Raises Conflict (`folder.scope`)
    where the folder holds another scope, (`folder.arranged`) where its files hold objects that pulling would write
    elsewhere, and (`folder.unapplied`) unless `force` is set where it would write over or remove what was edited since
    folder and server last agreed; NotFound (`scope.empty`) where nothing is declared in the scope.
    """
    mine = read(collect(folder)) if folder.is_dir() and any(folder.iterdir()) else Folder()
    wanted = scope or (mine.scope if mine.declared else _scope_of_root(client))
    _check_scope(mine, wanted)
    pulled = client.pull(wanted)
    files: dict[str, str] = pulled["files"]
    if not set(files) - {CONFIG, STATE}:
        raise NotFound(f"nothing is declared in the scope `{wanted}`", code="scope.empty")
    theirs = {**_unseen(mine, pulled["without"]), **(read({STATE: files[STATE]}).base or {})}
    files[STATE] = state(theirs)
    if note_only:
        write(folder, {STATE: files[STATE]})
        return Pulled([STATE], [])
    _check_arranged(mine)
    mine = replace(mine, declared=tuple(one for one in mine.declared if one.manifest.kind not in pulled["without"]))
    if not force:
        _check_applied(mine, theirs)
    kept = {one.file for one in mine.declared if _is_there(one, theirs, files)}
    new = {name: text for name, text in files.items() if name not in kept}
    outdated = _outdated(mine, theirs, files)
    write(folder, new)
    for name in outdated:
        (folder / name).unlink()
    return Pulled(sorted(new), outdated)


def _scope_of_root(client: Client) -> str | None:
    """The scope that declares the root unit; None where nothing is declared."""
    root = next((one["name"] for one in client.objects("Unit") if one["unit"] == one["name"]), None)
    return None if root is None else str(client.object("Unit", root)["scope"])


def _check_scope(mine: Folder, wanted: str | None) -> None:
    """Raise Conflict where the folder holds objects of another scope: they would have to make room."""
    if mine.declared and mine.scope != wanted:
        raise Conflict(
            f"the folder holds the scope `{mine.scope}`",
            code="folder.scope",
            hint=f"pull `{wanted}` into a folder of its own",
        )


def _unseen(mine: Folder, kinds: Collection[str]) -> dict[str, str]:
    """What folder and server last agreed on, of kinds of which the server says nothing now."""
    return {key: agreed for key, agreed in (mine.base or {}).items() if key.partition("/")[0] in kinds}


def _check_arranged(mine: Folder) -> None:
    """Raise Conflict unless each file holds one object and is called by its name."""
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


def _check_applied(mine: Folder, theirs: Mapping[str, str]) -> None:
    """Raise Conflict where the server's word would go over one that it never had."""
    edited = [one.file for one in mine.declared if _is_edited(one, mine.base or {}, theirs)]
    if edited:
        shown = ", ".join(f"`{name}`" for name in edited[:SHOWN]) + (" …" if len(edited) > SHOWN else "")
        raise Conflict(
            f"pulling would undo what was not applied: {shown}",
            code="folder.unapplied",
            hint="pull into a new folder and merge, then `autonomy pull FOLDER --note-only` and apply; or `--force`",
            files=edited,
        )


def _is_edited(one: Declared, base: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    """Whether it says something else than the server does now, and than both did when they last agreed."""
    key = _key(one)
    known = base.get(key)
    if key not in theirs and known is None:
        return False  # the server never had it: it stays
    return _digest(one) not in (known, theirs.get(key))


def _is_there(one: Declared, theirs: Mapping[str, str], files: Mapping[str, str]) -> bool:
    """Whether the file says what the server would write there; then it keeps its comments."""
    place = Path(one.file)
    is_own = place.with_suffix("").as_posix() == place_of(one.manifest.kind, one.manifest.metadata.name)
    return is_own and one.file in files and theirs.get(_key(one)) == _digest(one)


def _outdated(mine: Folder, theirs: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    """Files of the folder whose object the server had and has no longer, or has written elsewhere."""
    known = {*theirs, *(mine.base or ())}
    return sorted({one.file for one in mine.declared if _key(one) in known} - set(files))


def _key(one: Declared) -> str:
    return f"{one.manifest.kind}/{one.manifest.metadata.name}"


def _digest(one: Declared) -> str:
    return digest(written(one.manifest))
