"""Reads an organisation's files into manifests. All that is wrong is reported at once, with file, line and field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from autonomy.kernel.canonical import Json, parse
from autonomy.kernel.errors import AutonomyError

from . import cedar_text, yaml_text
from .documents import FOLDER as DOCUMENTS
from .documents import embedded
from .faults import Fault, faults
from .model import API_VERSION, SPECS, Manifest, Metadata
from .problem import Problem, invalid, nearest
from .words import Name, Strict
from .yaml_text import Document, Unreadable

CONFIG = "autonomy.yaml"
STATE = ".autonomy/state.json"
TESTS = "tests"
DEFAULT_SCOPE = "default"
SUFFIXES = (".yaml", ".yml", ".cedar")

MAX_STATE_BYTES = 16_777_216  # a hundred bytes for each of 100,000 objects, and some room

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_STATE_HINT = "restore the file, or remove it and run `autonomy pull`"
_HEADER_FIELDS = {"unit": "metadata.unit", "description": "metadata.description", "mode": "spec.mode"}
_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
_NAME: TypeAdapter[str] = TypeAdapter(Name)

M = TypeVar("M", bound=Strict)


@dataclass(frozen=True, slots=True)
class Declared:
    """A manifest and where it was written: the file and the line of each field by path."""

    manifest: Manifest
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int:
        """The line of the field at `path`, or of the nearest part around it that was written; 0 where unknown."""
        return _line(self.lines, path)


@dataclass(frozen=True, slots=True)
class Folder:
    """What one folder declares.

    `scope` says which of the server's objects the folder owns. `base` maps `Kind/name` to the digest the server had
    when folder and server last agreed; None where that is not known.
    """

    scope: str = DEFAULT_SCOPE
    declared: tuple[Declared, ...] = ()
    base: Mapping[str, str] | None = None


def read(files: Mapping[str, str]) -> Folder:
    """The folder whose files are `files`: text by path, with `/` between folders.

    Raises Invalid (`manifest.invalid`) with every problem in `detail["problems"]`.
    """
    problems: list[Problem] = []
    scope = _scope(files.get(CONFIG), problems)
    base = _base(files.get(STATE), problems)
    declared: list[Declared] = []
    for path in sorted(filter(is_manifest, files)):
        found, wrong = read_file(path, files[path])
        declared.extend(_embedded(one, files, problems) for one in found)
        problems.extend(wrong)
    problems.extend(_twice(declared))
    if problems:
        raise invalid(problems)
    return Folder(scope, tuple(declared), base)


def is_manifest(path: str) -> bool:
    """Whether the file at `path` declares something: hidden files, tests, documents and settings do not."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return path.endswith(SUFFIXES) and not hidden and parts[0] not in (TESTS, DOCUMENTS) and path != CONFIG


def read_file(path: str, text: str) -> tuple[list[Declared], list[Problem]]:
    """The manifests of one file and what is wrong with the others in it."""
    if bad := _UNSTORABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        return [], [Problem(message="a character that cannot be stored", hint="remove it", file=path, line=line)]
    if path.endswith(".cedar"):
        return _read_cedar(path, text)
    try:
        documents = yaml_text.read(text)
    except Unreadable as error:
        return [], [_unreadable(path, error)]
    declared, problems = [], []
    for document in documents:
        found = _read_document(path, document)
        if isinstance(found, Declared):
            declared.append(found)
        else:
            problems.extend(found)
    return declared, problems


def _read_document(file: str, document: Document) -> Declared | list[Problem]:
    problems = [_placed(file, document, fault) for fault in _envelope_faults(document.value)]
    if problems:
        return problems
    value = document.value
    manifest = _manifest(value["kind"], value["metadata"], value["spec"])
    if isinstance(manifest, Manifest):
        return Declared(manifest, file, document.lines)
    return [_placed(file, document, fault) for fault in manifest]


def _manifest(kind: str, metadata: Json, spec: Json) -> Manifest | list[Fault]:
    """The manifest, or every fault of its metadata and its spec."""
    found: list[Fault] = []
    read_metadata = _validated(Metadata, metadata, "metadata", found)
    read_spec = _validated(SPECS[kind], spec, "spec", found)
    if read_metadata is None or read_spec is None:
        return found
    return Manifest(kind=kind, metadata=read_metadata, spec=read_spec)


def spec_of(kind: str, value: Json) -> Strict | list[Problem]:
    """The spec of one object that is handed in without its envelope, or everything wrong with its words."""
    found: list[Fault] = []
    spec = _validated(SPECS[kind], value, "spec", found)
    if spec is not None:
        return spec
    return [Problem(message=one.message, hint=one.hint, kind=kind, field=one.path) for one in found]


def _validated(model: type[M], value: Json, path: str, found: list[Fault]) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found.extend(faults(error, model, value, path))
        return None


def _envelope_faults(value: Json) -> Iterator[Fault]:
    """What is wrong around the spec: the four fields every manifest has."""
    if not isinstance(value, dict):
        yield Fault("", "not a manifest", f"write the fields {', '.join(f'`{name}`' for name in _ENVELOPE)}")
        return
    for name in value:
        if name not in _ENVELOPE:
            yield Fault(name, f"unknown field `{name}`", nearest(name, _ENVELOPE))
    for name in _ENVELOPE:
        if name not in value:
            yield Fault(
                name, f"`{name}` is missing", f"write `apiVersion: {API_VERSION}`" if name == "apiVersion" else ""
            )
    if "apiVersion" in value and value["apiVersion"] != API_VERSION:
        yield Fault("apiVersion", f"`{value['apiVersion']}` is not a known version", f"write `{API_VERSION}`")
    if "kind" in value:
        yield from _kind_faults(value["kind"])


def _kind_faults(kind: Json) -> Iterator[Fault]:
    if kind == "Policy":
        yield Fault("kind", "a policy is not written in YAML", "write it as `policies/NAME.cedar`")
    elif not isinstance(kind, str) or kind not in SPECS:
        hint = nearest(str(kind), SPECS) or f"known kinds: {', '.join(SPECS)}"
        yield Fault("kind", f"unknown kind `{str(kind)[:60]}`", hint)


def _read_cedar(file: str, text: str) -> tuple[list[Declared], list[Problem]]:
    entries = {entry.key: entry for entry in reversed(cedar_text.headers(text))}  # the first one counts
    lines = {"spec.text": 1, "metadata.name": 1} | {_HEADER_FIELDS[key]: entry.line for key, entry in entries.items()}
    metadata = {"name": PurePosixPath(file).stem}
    metadata |= {key: entries[key].value for key in ("unit", "description") if key in entries}
    spec = {"text": cedar_text.normal(text)} | ({"mode": entries["mode"].value} if "mode" in entries else {})
    document = Document({"kind": "Policy", "metadata": metadata, "spec": spec}, 1, lines)
    manifest = _manifest("Policy", metadata, spec)
    wrong = manifest if isinstance(manifest, list) else []
    problems = [_placed(file, document, fault) for fault in wrong]
    for entry, hint in cedar_text.doubtful(text):
        problems.append(Problem(message=f"unclear header `{entry.key}`", hint=hint, file=file, line=entry.line))
    if problems or not isinstance(manifest, Manifest):
        return [], problems
    return [Declared(manifest, file, lines)], []


def _placed(file: str, document: Document, fault: Fault) -> Problem:
    """The problem that `fault` is, with the object it belongs to where that much could be read."""
    kind, name = "", ""
    if isinstance(document.value, dict):
        kind = str(document.value.get("kind", ""))[:60]
        metadata = document.value.get("metadata")
        name = str(metadata.get("name", ""))[:63] if isinstance(metadata, dict) else ""
    line = _line(document.lines, fault.path) or document.line
    return Problem(message=fault.message, hint=fault.hint, kind=kind, name=name, field=fault.path, file=file, line=line)


def _line(lines: Mapping[str, int], path: str) -> int:
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)


def _embedded(declared: Declared, files: Mapping[str, str], problems: list[Problem]) -> Declared:
    """The manifest with its document inside."""
    try:
        return replace(declared, manifest=embedded(declared.manifest, files))
    except AutonomyError as error:
        kind, name = declared.manifest.key
        problems.append(
            Problem(
                message=error.message,
                hint=error.hint,
                kind=kind,
                name=name,
                field="spec.use.document",
                file=declared.file,
                line=declared.line("spec.use.document"),
            )
        )
        return declared


def _twice(declared: Iterable[Declared]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Declared] = {}
    for one in declared:
        before = first.setdefault(one.manifest.key, one)
        if before is not one:
            kind, name = one.manifest.key
            yield Problem(
                message=f"declared twice, first in {before.file}:{before.line('metadata.name')}",
                hint="keep one of them, or give one another name",
                kind=kind,
                name=name,
                field="metadata.name",
                file=one.file,
                line=one.line("metadata.name"),
            )


def _scope(text: str | None, problems: list[Problem]) -> str:
    """The scope `autonomy.yaml` names."""
    if text is None:
        return DEFAULT_SCOPE
    try:
        documents = yaml_text.read(text)
    except Unreadable as error:
        problems.append(_unreadable(CONFIG, error))
        return DEFAULT_SCOPE
    value = documents[0].value if documents else {}
    if not isinstance(value, dict) or set(value) - {"scope"}:
        problems.append(
            Problem(message="only the field `scope` is known here", hint="write `scope: NAME`", file=CONFIG, line=1)
        )
        return DEFAULT_SCOPE
    try:
        return _NAME.validate_python(value.get("scope", DEFAULT_SCOPE), strict=True)
    except ValidationError:
        hint = "1 to 63 lower case letters, digits, `-`, `_`, `.`"
        problems.append(Problem(message="`scope` is not a name", hint=hint, field="scope", file=CONFIG, line=1))
        return DEFAULT_SCOPE


def _base(text: str | None, problems: list[Problem]) -> Mapping[str, str] | None:
    """The digests the server had when it and the folder last agreed."""
    if text is None:
        return None
    try:
        value = parse(text.encode("utf-8"), max_bytes=MAX_STATE_BYTES)
    except AutonomyError as error:
        problems.append(Problem(message=error.message, hint=_STATE_HINT, file=STATE, line=1))
        return None
    objects = value.get("objects") if isinstance(value, dict) else None
    if not isinstance(objects, dict) or not all(isinstance(digest, str) for digest in objects.values()):
        problems.append(Problem(message="`objects` is not a list of digests", hint=_STATE_HINT, file=STATE, line=1))
        return None
    return objects


def _unreadable(file: str, error: Unreadable) -> Problem:
    return Problem(message=error.message, hint=error.hint, field=error.path, file=file, line=error.line)
