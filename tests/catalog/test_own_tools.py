"""Tools of the system itself come with what is declared, and nobody else may have their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy.catalog import read
from autonomy.catalog.export import FOLDERS
from autonomy.catalog.model import SPECS
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.tools import Registry
from tests.gate.works import tool
from tests.memory.team import organisation, team


async def test_they_come_with_the_first_space_and_go_with_the_last(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        own = {name for name in Registry.build(it.system.catalog.organisation()).tools if name.startswith("memory.")}
        assert len(own) == 7
        assert all(it.system.catalog.organisation().is_own("Tool", name) for name in own)
        files = {name: text for name, text in organisation().items() if name != "spaces.yaml"}
        it.system.catalog.apply(read(files), "person:ada", retire=True)
        after = it.system.catalog.organisation()
        assert not any(name.startswith("memory.") for name in Registry.build(after).tools)
        assert Registry.own(after).get("memory.write").effect == "write-keyed", "what was begun can still be ended"


async def test_they_are_no_declared_objects(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        assert not [one for one in it.system.catalog.organisation().revisions() if one.name.startswith("memory")]
        with pytest.raises(NotFound) as refused:
            it.system.catalog.describe("Tool", "memory.write")
        assert refused.value.code == "catalog.not_found"


async def test_nobody_declares_a_tool_or_a_connector_under_their_names(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        mine = tool("memory.mine", "read", "n: { type: integer }", function="look")
        other = tool("decision.mine", "read", "n: { type: integer }", function="look")
        for name, text in (("memory.mine", mine), ("decision.mine", other)):
            with pytest.raises(Invalid) as refused:
                it.system.catalog.plan(read(organisation(more=text)))
            assert f"`{name}` is a name of the system itself" in refused.value.message


SPACES = (
    ("readers: { roles: [helper] }", "readers: {}", "it has no readers"),
    ("data: [customers]", "data: [secrets]", "may not touch data of the class `secrets`"),
    ("retention: 3d", "retention: 0d", "it is no time at all"),
    ("owner: bea", "owner: nobody", "there is no person `nobody`"),
    ("roles: [seller]", "roles: [sellers]", "there is no role `sellers`"),
)

SPACE = """
apiVersion: autonomy/v1
kind: MemorySpace
metadata: { name: more, unit: front }
spec:
  owner: bea
  readers: { roles: [helper] }
  writers: { roles: [seller] }
  data: [customers]
  retention: 3d
"""


@pytest.mark.parametrize(("right", "wrong", "said"), SPACES, ids=[said for _, _, said in SPACES])
async def test_a_space_that_could_not_work_is_refused(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    async with team(tmp_path) as it:
        assert it.system.catalog.plan(read(organisation(more=SPACE))).summary
        with pytest.raises(Invalid) as refused:
            it.system.catalog.plan(read(organisation(more=SPACE.replace(right, wrong))))
        assert said in refused.value.message


def test_every_kind_has_its_place_when_it_is_pulled() -> None:
    assert set(FOLDERS) == set(SPECS)
