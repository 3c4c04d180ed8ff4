"""OpenAPI documents in an organisation's folder: `documents/NAME.json` or `.yaml`, which connectors name.

A connector is stored with its document inside, so that one digest pins both; `pull` writes the file again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, NotFound

from .model import ConnectorSpec, Manifest
from .openapi import read_document
from .problem import nearest
from .services import OpenApiConnector

FOLDER = "documents"
SUFFIXES = (".json", ".yaml", ".yml")


def is_document(path: str) -> bool:
    """Whether the file at `path` is a document that connectors may name."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return len(parts) > 1 and parts[0] == FOLDER and path.endswith(SUFFIXES) and not hidden


def embedded(manifest: Manifest, files: Mapping[str, str]) -> Manifest:
    """The manifest with the document that it names in place of the file's name; itself where it names none.

    Raises NotFound (`openapi.no_document`), Invalid or TooLarge where it cannot be read.
    """
    spec = manifest.spec
    if not isinstance(spec, ConnectorSpec) or not isinstance(spec.use, OpenApiConnector):
        return manifest
    named = spec.use.document
    if not isinstance(named, str):
        return manifest
    if named not in files or not is_document(named):
        known = [path for path in files if is_document(path)]
        hint = nearest(named, known) or f"it is a file such as `{FOLDER}/crm.json`; apply the whole folder"
        raise NotFound(f"there is no document `{named[:80]}`", code="openapi.no_document", hint=hint)
    try:
        document = read_document(files[named])
    except Invalid as error:
        raise Invalid(f"`{named[:80]}`: {error.message}", code=error.code, hint=error.hint) from None
    use = spec.use.model_copy(update={"document": document})
    return manifest.model_copy(update={"spec": spec.model_copy(update={"use": use})})


def extracted(written: dict[str, Json]) -> tuple[dict[str, Json], dict[str, str]]:
    """A stored manifest with the name of a file in place of its document, and that file; as it is without one."""
    use: Any = written["spec"].get("use")
    if written["kind"] != "Connector" or not isinstance(use.get("document"), dict):
        return written, {}
    path = f"{FOLDER}/{written['metadata']['name']}.json"
    text = json.dumps(use["document"], indent=2, ensure_ascii=False) + "\n"
    return {**written, "spec": {**written["spec"], "use": {**use, "document": path}}}, {path: text}
