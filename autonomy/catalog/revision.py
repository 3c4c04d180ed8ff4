"""The canonical form of a manifest: what was written, without formatting, order or defaults; its digest names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

from .model import API_VERSION, SPECS, Manifest, Metadata
from .organisation import Revision

Written = dict[str, Json]
"""A manifest as it was written: `apiVersion`, `kind`, `metadata`, `spec`, only the fields that were given."""


def written(manifest: Manifest) -> Written:
    """`manifest` as JSON values, fields in the order of their model."""
    return {
        "apiVersion": API_VERSION,
        "kind": manifest.kind,
        "metadata": manifest.metadata.model_dump(mode="json", exclude_unset=True),
        "spec": manifest.spec.model_dump(mode="json", exclude_unset=True),
    }


def body(value: Written) -> str:
    """The text that is stored: compact JSON that keeps the order of the fields, for people who pull it again."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest(value: Written) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of what was written, hexadecimal."""
    return canonical.digest(value)


def restore(text: str) -> Manifest:
    """The manifest of a stored body."""
    value: dict[str, Any] = json.loads(text)
    return Manifest(
        kind=value["kind"],
        metadata=Metadata.model_validate(value["metadata"]),
        spec=SPECS[value["kind"]].model_validate(value["spec"]),
    )


def revision(manifest: Manifest, digest: str, unit: str) -> Revision:
    """The manifest as part of an organisation, declared by `unit`."""
    return Revision(manifest.kind, manifest.metadata.name, unit, digest, manifest.metadata.description, manifest.spec)


def total(digests: Mapping[str, str]) -> str:
    """One digest over a whole organisation, `Kind/name` to digest: equal totals, equal content."""
    return canonical.digest(dict(digests))
