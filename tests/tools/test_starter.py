"""The starter organisation obeys this room's rules, on both databases its tools are written for."""

from __future__ import annotations

from pathlib import Path

import pytest

import autonomy.catalog.starter
from autonomy.catalog import files, manifest, revision
from autonomy.catalog.model import ConnectorSpec, SqlConnector
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.tools import Registry, check

FOLDER = Path(autonomy.catalog.starter.__file__).parent / "org"


def starter(url: str) -> Organisation:
    """The starter with its business database at `url`."""
    folder = manifest.read(files.collect(FOLDER))
    found: list[Revision] = []
    for declared in folder.declared:
        made = declared.manifest
        if isinstance(made.spec, ConnectorSpec) and isinstance(made.spec.use, SqlConnector):
            use = made.spec.use.model_copy(update={"url": url})
            made = made.model_copy(update={"spec": made.spec.model_copy(update={"use": use})})
        written = revision.written(made)
        found.append(revision.revision(made, revision.digest(written), made.metadata.unit or "larkspur"))
    return Organisation(1, found)


@pytest.mark.parametrize("url", ["sqlite:///business.sqlite", "postgresql://erp@db.example.org/erp"])
def test_the_starter_has_no_problem(url: str) -> None:
    organisation = starter(url)
    assert check(organisation) == []
    assert len(Registry.build(organisation).tools) >= 10
