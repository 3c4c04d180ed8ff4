"""Planning, applying, rolling back: one change at a time, whole or not at all."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from autonomy.audit import read_leaf
from autonomy.audit.store import newest, read_head
from autonomy.catalog import Catalog, Problem, read
from autonomy.catalog.export import state
from autonomy.catalog.manifest import STATE
from autonomy.catalog.revision import total
from autonomy.catalog.store import change, declared, revision
from autonomy.db import Database
from autonomy.kernel import canonical
from autonomy.kernel.errors import Conflict, Invalid, NotFound

from .company import FILES, files, folder, without
from .conftest import Office, projected

ALL = 17


def counts(database: Database) -> tuple[int, ...]:
    """Rows of every table a change writes, the leaves, and the epoch."""
    with database.reading() as connection:
        rows = (
            connection.scalar(select(func.count()).select_from(t)) or 0 for t in (revision, declared, change, projected)
        )
        size, _, epoch, _ = read_head(connection)
        return (*rows, size, epoch)


def test_the_first_apply_declares_everything(office: Office, catalog: Catalog) -> None:
    assert catalog.organisation().epoch == 0
    applied = catalog.apply(folder(), by="person:ada", message="begin")
    assert applied.change is not None
    assert (applied.change.epoch, applied.change.by, applied.change.at) == (1, "person:ada", 1_000)
    assert applied.plan.summary == applied.change.summary == f"{ALL} added, 0 changed, 0 retired"
    assert counts(office.database) == (ALL, ALL, 1, 1, 1, 1)
    organisation = catalog.organisation()
    assert organisation.epoch == 1
    assert organisation.root.name == "acme"
    assert len(office.written) == ALL and office.retired == []


def test_every_object_knows_the_unit_that_declares_it(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    units = {(kind, name): catalog.get(kind, name).unit for kind, name in [
        ("Unit", "acme"), ("Unit", "sales-north"), ("Person", "ada"), ("Agent", "seller-1"), ("Policy", "sellers"),
    ]}  # fmt: skip
    assert list(units.values()) == ["acme", "sales", "acme", "sales", "sales"]


def test_applying_the_same_again_changes_nothing(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    before = counts(office.database)
    again = catalog.apply(folder(), by="person:ada")
    assert again.change is None
    assert again.plan.unchanged == ALL
    assert counts(office.database) == before


def test_the_log_holds_a_leaf_that_binds_to_the_whole_content(office: Office, catalog: Catalog) -> None:
    applied = catalog.apply(folder(), by="person:ada", message="a name that may have to be forgotten")
    assert applied.change is not None
    with office.database.reading() as connection:
        [(_, body)] = newest(connection, 1)
    leaf = read_leaf(body)
    digests = {f"{one.kind}/{one.name}": one.digest for one in catalog.organisation().revisions()}
    assert leaf == {
        "v": 1,
        "kind": "change",
        "at": 1_000,
        "actor": "person:ada",
        "change": applied.change.id,
        "epoch": 1,
        "scope": "default",
        "summary": f"{ALL} added, 0 changed, 0 retired",
        "content": total(digests),
        "detail": canonical.digest(applied.change.detail),
    }


def test_the_plan_names_each_field_that_differs_and_writes_nothing(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    before = counts(office.database)
    plan = catalog.plan(
        read(
            files(("access: [admin]", "access: [admin, auditor]"), ('rates: { USD: "0.9" }', 'rates: { USD: "0.95" }'))
        )
    )
    assert [(entry.key, one.path, one.before, one.after) for entry in plan.changed for one in entry.differences] == [
        ("Person/ada", "spec.access", ["admin"], ["admin", "auditor"]),
        ("Unit/acme", "spec.rates.USD", "0.9", "0.95"),
    ]
    assert counts(office.database) == before


def test_only_what_differs_is_written_and_projected(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    applied = catalog.apply(folder(("access: [admin]", "access: [admin, auditor]")), by="person:ada")
    assert applied.change is not None and applied.change.epoch == 2
    assert office.written == ["Person/ada"]
    assert list(applied.change.detail["changed"]) == ["Person/ada"]
    assert counts(office.database) == (ALL + 1, ALL + 1, 2, 2, 2, 2)


def test_absence_retires_only_when_it_is_asked_for(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    fewer = read(without("agents.yaml", "seller-2"))
    kept = catalog.apply(fewer, by="person:ada")
    assert kept.change is None and [entry.key for entry in kept.plan.absent] == ["Agent/seller-2"]
    assert catalog.organisation().get("Agent", "seller-2") is not None
    catalog.apply(fewer, by="person:ada", retire=True)
    assert catalog.organisation().get("Agent", "seller-2") is None
    assert (office.written, office.retired) == ([], ["Agent/seller-2"])


def test_absence_retires_only_what_the_folders_own_scope_declares(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    north = {"autonomy.yaml": "scope: north", "b.yaml": BUDGET}
    catalog.apply(read(north), by="person:lee", retire=True)
    assert len(list(catalog.organisation().revisions())) == ALL + 1
    catalog.apply(read({**north, "b.yaml": "# nothing any more"}), by="person:lee", retire=True)
    assert len(list(catalog.organisation().revisions())) == ALL


BUDGET = """
apiVersion: autonomy/v1
kind: Budget
metadata: { name: north, unit: sales-north }
spec: { scope: { unit: sales-north }, measure: calls, period: hour, limit: 10 }
"""


def test_what_another_scope_declares_cannot_be_declared_again(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    with pytest.raises(Conflict, match="Person `lee` belongs to the scope `default`") as caught:
        catalog.apply(read({"autonomy.yaml": "scope: north", "people.yaml": LEE}), by="person:lee")
    assert caught.value.code == "catalog.conflict"


LEE = """
apiVersion: autonomy/v1
kind: Person
metadata: { name: lee }
spec: { displayName: Lee, email: lee@acme.example, roles: [lead], access: [admin] }
"""


def test_what_the_server_changed_meanwhile_is_not_overwritten(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    pulled = catalog.pull()
    catalog.apply(folder(("access: [admin]", "access: [admin, auditor]")), by="person:ada")
    mine = {**pulled, "people/ada.yaml": pulled["people/ada.yaml"].replace("displayName: Ada", "displayName: Ada L")}
    with pytest.raises(Conflict, match="was declared or changed on the server") as caught:
        catalog.apply(read(mine), by="person:lee")
    assert caught.value.hint.startswith("run `autonomy pull`")
    assert [one["name"] for one in caught.value.detail["conflicts"]] == ["ada"]
    other = {**pulled, "people/lee.yaml": pulled["people/lee.yaml"].replace("displayName: Lee", "displayName: L")}
    assert [one.name for one in catalog.plan(read(other)).conflicts] == ["ada"]
    fresh = catalog.pull()
    fresh["people/ada.yaml"] = fresh["people/ada.yaml"].replace("displayName: Ada", "displayName: Ada L")
    assert catalog.apply(read(fresh), by="person:lee").plan.summary == "0 added, 1 changed, 0 retired"


def test_after_an_apply_the_agreed_state_allows_the_next_one(catalog: Catalog) -> None:
    first = catalog.apply(folder(), by="person:ada")
    changed = {**files(("access: [admin]", "access: [admin, auditor]")), STATE: state(first.plan.agreed)}
    second = catalog.apply(read(changed), by="person:ada")
    assert second.change is not None
    fewer = {
        **changed,
        "agents.yaml": without("agents.yaml", "seller-2")["agents.yaml"],
        STATE: state(second.plan.agreed),
    }
    assert catalog.apply(read(fewer), by="person:ada", retire=True).plan.summary == "0 added, 0 changed, 1 retired"


def test_a_reference_that_does_not_resolve_changes_nothing_and_is_told_where_it_stands(
    office: Office, catalog: Catalog
) -> None:
    with pytest.raises(Invalid) as caught:
        catalog.apply(
            folder(("sponsor: ada, owner: ada, supervisor: lead }", "sponsor: eve, owner: ada, supervisor: lead }")),
            by="person:ada",
        )
    [problem] = caught.value.detail["problems"]
    assert (problem["file"], problem["line"], problem["field"]) == ("agents.yaml", 5, "spec.sponsor")
    assert counts(office.database) == (0, 0, 0, 0, 0, 0)


def test_a_check_of_a_room_above_stops_the_change_and_its_problem_gets_file_and_line(
    office: Office, catalog: Catalog
) -> None:
    catalog.apply(folder(), by="person:ada")
    before = counts(office.database)
    office.problems = [
        Problem(message="no such argument", kind="Policy", name="sellers", line=3),
        Problem(message="no such column", kind="Tool", name="crm.read", field="spec.call.statements[0].sql"),
    ]
    with pytest.raises(Invalid) as caught:
        catalog.apply(folder(("access: [admin]", "access: [admin, auditor]")), by="person:ada")
    places = [(one["file"], one["line"], one["message"]) for one in caught.value.detail["problems"]]
    assert places == [("policies/sellers.cedar", 3, "no such argument"), ("tools.yaml", 17, "no such column")]
    assert counts(office.database) == before
    assert office.checked[-1].epoch == 2


def test_checks_of_rooms_above_never_see_what_does_not_hold_together(office: Office, catalog: Catalog) -> None:
    with pytest.raises(Invalid):
        catalog.plan(folder(("roles: [seller]", "roles: [seler]")))
    assert office.checked == []


def test_a_projection_that_fails_undoes_the_whole_change(office: Office, catalog: Catalog) -> None:
    office.broken = True
    with pytest.raises(ValueError, match="the projection failed"):
        catalog.apply(folder(), by="person:ada")
    assert counts(office.database) == (0, 0, 0, 0, 0, 0)
    assert catalog.organisation().epoch == 0
    office.broken = False
    assert catalog.apply(folder(), by="person:ada").change is not None


def test_of_two_who_apply_at_once_the_second_is_told_that_the_organisation_moved(
    office: Office, catalog: Catalog
) -> None:
    catalog.apply(folder(), by="person:ada")

    def meanwhile() -> None:
        office.during = lambda: None
        office.catalog().apply(folder(("displayName: Lee", "displayName: L")), by="person:lee")

    office.during = meanwhile
    with pytest.raises(Conflict) as caught:
        catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:ada")
    assert caught.value.code == "catalog.moved"
    names = {name: one.spec.displayName for name, one in catalog.organisation().all("Person").items()}
    assert names == {"ada": "Ada", "lee": "L"}


def test_many_applying_at_once_leave_one_unbroken_line_of_epochs(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    outcomes: list[str] = []

    def apply(number: int) -> None:
        try:
            office.catalog().apply(folder(("displayName: Ada", f"displayName: Ada {number}")), by=f"person:p{number}")
            outcomes.append("done")
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = outcomes.count("done")
    assert done >= 1 and done + outcomes.count("catalog.moved") == 8
    assert [one.epoch for one in catalog.changes()] == list(range(1 + done, 0, -1))


def test_rollback_declares_again_what_was_declared_then(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    catalog.apply(read(without("agents.yaml", "seller-2")), by="person:ada", retire=True)
    catalog.apply(read({**without("agents.yaml", "seller-2"), "b.yaml": BUDGET}), by="person:ada")
    change = catalog.rollback(1, by="person:lee", message="that went wrong")
    assert change is not None
    assert (change.epoch, change.summary, change.message) == (4, "rolled back to epoch 1", "that went wrong")
    assert (office.written, office.retired) == (["Agent/seller-2"], ["Budget/north"])
    first, now = catalog.organisation(1), catalog.organisation()
    assert {one.digest for one in now.revisions()} == {one.digest for one in first.revisions()}
    assert catalog.rollback(4, by="person:lee") is None


def test_rollback_is_checked_like_any_change(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    catalog.apply(folder(("displayName: Ada", "displayName: A")), by="person:ada")
    office.problems = [Problem(message="not any more", kind="Person", name="ada")]
    with pytest.raises(Invalid, match="not any more"):
        catalog.rollback(1, by="person:ada")
    with pytest.raises(NotFound, match="there is no epoch 9"):
        catalog.rollback(9, by="person:ada")
    assert catalog.organisation().epoch == 2


def test_an_empty_rollback_target_is_refused_because_somebody_must_govern(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    with pytest.raises(Invalid, match="no unit is the root"):
        catalog.rollback(0, by="person:ada")


def test_a_unit_that_changes_its_parent_takes_effect_on_the_tree(catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    catalog.apply(folder(("parent: sales, tools: [crm.read]", "parent: acme, tools: [crm.read]")), by="person:ada")
    assert catalog.organisation().lineage("sales-north") == ("sales-north", "acme")
    assert catalog.organisation(1).lineage("sales-north") == ("sales-north", "sales", "acme")


def test_a_new_root_unit_moves_all_that_names_no_unit(office: Office, catalog: Catalog) -> None:
    catalog.apply(folder(), by="person:ada")
    renamed = read({path: text.replace("acme }", "acme-group }").replace("parent: acme,", "parent: acme-group,")
                    .replace("unit: acme }", "unit: acme-group }").replace("unit: acme ", "unit: acme-group ")
                    for path, text in FILES.items()})  # fmt: skip
    catalog.apply(renamed, by="person:ada", retire=True)
    assert catalog.get("Person", "ada").unit == "acme-group"
    assert "Person/ada" in office.written and office.retired == ["Unit/acme"]
