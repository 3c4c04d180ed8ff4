"""What was declared at any epoch can be read again, and pulled as files."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import update

from autonomy.catalog import Catalog, read
from autonomy.catalog.manifest import STATE
from autonomy.catalog.store import revision
from autonomy.kernel.errors import Corrupt, NotFound

from .company import POLICY, folder, organisation
from .conftest import Office

EVIL = (
    '{"apiVersion":"autonomy/v1","kind":"Person","metadata":{"name":"ada"},'
    '"spec":{"displayName":"Eve","email":"eve@acme.example"}}'
)
OTHER_POLICY = POLICY.replace("permit", "forbid")


def name_of_ada(catalog: Catalog, epoch: int | None = None) -> str:
    name: str = catalog.get("Person", "ada", epoch).spec.displayName
    return name


def test_every_past_epoch_reads_as_it_was(office: Office, catalog: Catalog) -> None:
    for number in range(1, 6):
        catalog.apply(folder(("displayName: Ada", f"displayName: Ada {number}")), by="person:ada")
    assert [name_of_ada(catalog, epoch) for epoch in range(1, 6)] == [f"Ada {number}" for number in range(1, 6)]
    fresh = office.catalog()
    assert [name_of_ada(fresh, epoch) for epoch in (3, 1, 5, 2, 4)] == ["Ada 3", "Ada 1", "Ada 5", "Ada 2", "Ada 4"]
    assert list(fresh.organisation(0).revisions()) == []


def test_an_epoch_that_never_was_is_not_found_even_if_it_comes_later(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    for epoch in (2, -1):
        with pytest.raises(NotFound, match="the present epoch is 1"):
            catalog.organisation(epoch)
    catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:ada")
    assert name_of_ada(catalog, 2) == "A"


def test_an_epoch_moved_by_others_declares_the_same(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    office.queue.run(lambda tx: tx.bump("catalog"))
    assert catalog.organisation().epoch == 2
    assert name_of_ada(catalog) == "Ada"
    assert catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:ada").change is not None
    assert [name_of_ada(catalog, epoch) for epoch in (1, 2, 3)] == ["Ada", "Ada", "A"]


@pytest.mark.parametrize("body", ["{", "{}", EVIL])
def test_a_stored_wording_that_was_damaged_is_never_governed_by(office: Office, catalog: Catalog, body: str) -> None:
    catalog.apply(folder(), by="person:ada")
    office.queue.run(lambda tx: tx.execute(update(revision).where(revision.c.name == "ada").values(body=body)))
    with pytest.raises(Corrupt) as caught:
        office.catalog().organisation()
    assert (caught.value.code, caught.value.message) == (
        "catalog.corrupt",
        "the stored wording of Person `ada` is damaged",
    )


def test_one_epoch_is_one_object_for_everybody(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    assert catalog.organisation() is catalog.organisation(1)


def test_another_process_sees_a_change_at_its_next_look(office: Office, catalog: Catalog) -> None:
    other = office.catalog()
    catalog.apply(folder(), by="person:ada")
    assert name_of_ada(other) == "Ada"
    catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:ada")
    assert name_of_ada(other) == "A"


def test_the_history_of_an_object_tells_who_declared_what_when(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada", message="begin")
    office.now = 2_000
    catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:lee", message="shorter")
    catalog.apply(
        folder(("displayName: Ada", "displayName: A"), ("displayName: Lee", "displayName: L")), by="person:lee"
    )
    catalog.rollback(1, by="person:ada")
    shown = [
        (one.since_epoch, one.until_epoch, one.by, one.at, one.message) for one in catalog.history("Person", "ada")
    ]
    assert shown == [
        (4, None, "person:ada", 2_000, ""),
        (2, 4, "person:lee", 2_000, "shorter"),
        (1, 2, "person:ada", 1_000, "begin"),
    ]
    first, _, third = (one.digest for one in catalog.history("Person", "ada"))
    assert first == third
    with pytest.raises(NotFound):
        catalog.history("Person", "eve")


def test_a_policy_is_read_as_it_was_when_it_decided(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    catalog.apply(folder((POLICY, OTHER_POLICY)), by="person:ada")
    assert catalog.policy_text_at(1, "sellers") == POLICY
    assert catalog.policy_text_at(2, "sellers") == OTHER_POLICY
    with pytest.raises(NotFound):
        catalog.policy_text_at(0, "sellers")


def test_a_name_that_is_not_declared_comes_with_the_nearest(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    with pytest.raises(NotFound, match="did you mean `seller-1`"):
        catalog.get("Agent", "seler-1")
    with pytest.raises(NotFound, match="did you mean `Agent`"):
        catalog.get("Agnt", "seller-1")


def test_an_object_is_described_with_its_surroundings(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    catalog.apply(folder(("escalationTargets: [lead]", "escalationTargets: [lead, lead]")), by="person:ada")
    found = catalog.describe("Role", "seller")
    assert (found.scope, found.since_epoch, len(found.periods)) == ("default", 2, 2)
    assert found.uses == [("Unit", "sales"), ("Tool", "crm.read"), ("Role", "lead"), ("Role", "lead")]
    assert found.used_by == [("Agent", "seller-1"), ("Agent", "seller-2"), ("Role", "lead")]
    assert found.text.startswith("apiVersion: autonomy/v1\nkind: Role\nmetadata:\n  name: seller\n  unit: sales\n")


def test_what_is_pulled_declares_the_same_again(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    pulled = catalog.pull()
    assert {"autonomy.yaml", STATE, "units/acme.yaml", "tools/crm.read.yaml", "policies/sellers.cedar"} <= set(pulled)
    assert pulled["policies/sellers.cedar"] == POLICY
    again = read(pulled)
    assert catalog.apply(again, by="person:ada", retire=True).change is None
    assert {one.digest for one in organisation(again).revisions()} == {
        one.digest for one in catalog.organisation().revisions()
    }
    assert catalog.pull() == pulled


def test_a_pull_holds_only_its_scope(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    assert set(catalog.pull("north")) == {"autonomy.yaml", STATE}


@pytest.mark.parametrize("thousands", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_thousands_of_agents_load_within_one_and_a_half_seconds(
    office: Office, catalog: Catalog, thousands: int
) -> None:
    agents = {f"agents/{part}": AGENTS(part) for part in range(thousands)}
    catalog.apply(folder(**agents), by="person:ada")
    fresh = office.catalog()
    begin = time.process_time()
    organisation = fresh.organisation()
    assert time.process_time() - begin < 1.5
    assert len(organisation.all("Agent")) == thousands * 1_000 + 2


def AGENTS(part: int) -> str:
    return "---\n".join(
        "apiVersion: autonomy/v1\nkind: Agent\n"
        f"metadata: {{ name: a-{part}-{number}, unit: sales }}\n"
        "spec: { roles: [seller], sponsor: ada, owner: ada, supervisor: lead }\n"
        for number in range(1_000)
    )
