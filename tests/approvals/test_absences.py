"""Absences: who may be a deputy, what the deputy may, and what both ends see and the log says."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.approvals import Absence, Absences, Hold
from autonomy.approvals.ports import People
from autonomy.audit import read_leaf
from autonomy.audit.store import leaves
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import AutonomyError, Conflict, Forbidden, NotFound
from autonomy.policy.model import Ask
from tests.approvals.house import NOON, House, new_hold

TWO = Ask("finance-manager", "pay-huge", people=2, expires=20 * HOUR, remind=(2 * HOUR,))
DECIDERS = {"fiona", "felix", "petra", "carla", "boris", "doris"}


class Office(House):
    """The house of the approvals' tests, with absences."""

    def __init__(self, database: Database, queue: CommitQueue) -> None:
        super().__init__(database, queue)
        self.database = database
        self.told: list[tuple[str, ...]] = []
        self.news: list[tuple[str, str, str]] = []
        self.absences = Absences(database, queue, lambda name: name in DECIDERS, self.time, self._tell)

    def _announce(self, tx: Tx, kind: str, hold: Hold, people: People, at: int) -> None:
        super()._announce(tx, kind, hold, people, at)
        self.told.append(tuple(people()))

    def away(self, person: str, deputy: str, since: int = 0, until: int = DAY, by: str = "") -> Absence:
        at = self.time()
        return self.absences.declare(person, deputy, at + since, at + until, by or f"person:{person}")

    def record(self) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            return [read_leaf(body) for _, body in leaves(connection)]

    def _tell(self, _tx: Tx, kind: str, absence: Absence, _at: int) -> None:
        self.news.append((kind, absence.person, absence.deputy))


@pytest.fixture
def office(database: Database, queue: CommitQueue) -> Office:
    return Office(database, queue)


def code(office: Office, *args: Any, **more: Any) -> str:
    with pytest.raises(AutonomyError) as caught:
        office.away(*args, **more)
    return caught.value.code


def test_a_deputy_decides_while_the_person_is_away_and_not_a_moment_longer(office: Office) -> None:
    office.away("fiona", "doris", since=HOUR, until=3 * HOUR)
    hold = office.ask(new_hold("act_1", TWO))
    with pytest.raises(Forbidden):
        office.approve(hold, "doris")
    assert office.approvals.could_decide([hold], "doris") == set()
    office.time.forward(HOUR)
    assert office.approvals.stands_in_for("doris") == ("fiona",)
    assert office.approvals.could_decide([hold], "doris") == {"act_1"}
    after = office.approve(hold, "doris")
    assert after.votes[0].instead_of == "fiona" and after == office.approvals.get("act_1")
    later = office.ask(new_hold("act_2", TWO))
    office.time.forward(2 * HOUR)
    with pytest.raises(Forbidden):
        office.approve(later, "doris")


def test_the_log_names_the_deputy_and_whom_they_spoke_for(office: Office) -> None:
    absence = office.away("fiona", "doris")
    hold = office.ask(new_hold("act_1", TWO))
    office.approve(hold, "doris")
    declared, vote = office.record()
    assert {name: declared[name] for name in ("kind", "event", "actor", "absence", "person", "deputy")} == {
        "kind": "absence",
        "event": "absence.declared",
        "actor": "person:fiona",
        "absence": absence.id,
        "person": "fiona",
        "deputy": "doris",
    }
    assert (vote["actor"], vote["instead_of"], vote["held"]) == ("person:doris", "fiona", ["finance-manager"])
    assert office.news == [("absence.declared", "fiona", "doris")]


def test_who_is_back_early_has_no_deputy_any_more_but_what_was_said_stands(office: Office) -> None:
    absence = office.away("fiona", "doris")
    first, second = office.ask(new_hold("act_1", TWO)), office.ask(new_hold("act_2", TWO))
    office.approve(first, "doris")
    office.time.forward(HOUR)
    ended = office.absences.end(absence.id, "person:fiona")
    assert (ended.ended_at, ended.ended_by, ended.over_at) == (NOON + HOUR, "person:fiona", NOON + HOUR)
    with pytest.raises(Forbidden):
        office.approve(second, "doris")
    assert office.approve(office.approvals.get("act_1"), "felix").state == "ready"
    with pytest.raises(Conflict) as caught:
        office.absences.end(absence.id, "person:fiona")
    assert caught.value.code == "absence.over"
    assert office.news[-1] == ("absence.ended", "fiona", "doris")


def test_a_deputy_has_only_the_roles_the_absent_one_still_holds(office: Office) -> None:
    office.away("fiona", "doris")
    hold = office.ask(new_hold("act_1", TWO))
    office.people["finance-manager"].remove("fiona")
    with pytest.raises(Forbidden):
        office.approve(hold, "doris")


def test_a_deputy_of_a_deputy_decides_nothing(office: Office) -> None:
    office.away("doris", "petra", since=2 * HOUR)
    office.away("fiona", "doris", until=HOUR)
    hold = office.ask(new_hold("act_1", TWO))
    with pytest.raises(Forbidden):
        office.approve(hold, "petra")


@pytest.mark.parametrize(
    ("args", "more", "expected"),
    [
        (("fiona", "fiona"), {}, "absence.self"),
        (("fiona", "mallory"), {}, "absence.deputy"),
        (("mallory", "fiona"), {}, "absence.person"),
        (("fiona", "felix"), {"since": HOUR, "until": HOUR}, "absence.time"),
        (("fiona", "felix"), {"since": -2 * HOUR, "until": -HOUR}, "absence.time"),
        (("fiona", "felix"), {"until": 400 * DAY}, "absence.time"),
        (("fiona", "felix"), {"since": 400 * DAY, "until": 401 * DAY}, "absence.time"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(
    office: Office, args: tuple[str, str], more: dict[str, int], expected: str
) -> None:
    assert code(office, *args, **more) == expected
    assert office.absences.absences() == [] and office.record() == []


def test_a_person_has_one_deputy_at_a_time_and_the_deputy_is_there(office: Office) -> None:
    office.away("fiona", "felix", since=HOUR, until=5 * HOUR)
    assert code(office, "fiona", "doris", since=4 * HOUR, until=6 * HOUR) == "absence.overlap"
    assert code(office, "petra", "fiona", since=4 * HOUR, until=6 * HOUR) == "absence.deputy_away"
    office.away("fiona", "doris", since=5 * HOUR, until=6 * HOUR)
    office.away("petra", "fiona", since=6 * HOUR, until=7 * HOUR)
    assert [each.deputy for each in office.absences.absences("fiona")] == ["felix", "doris", "fiona"]


def test_both_ends_see_an_absence_and_others_not(office: Office) -> None:
    absence = office.away("fiona", "doris")
    assert office.absences.absences("fiona") == office.absences.absences("doris") == [absence]
    assert office.absences.absences("petra") == []
    assert office.absences.get(absence.id) == absence
    office.time.forward(2 * DAY)
    assert office.absences.absences("fiona") == []
    assert office.absences.absences("fiona", ended=True) == [absence]
    with pytest.raises(NotFound):
        office.absences.get("abs_0")


def test_those_who_could_decide_are_told_deputies_among_them_but_not_who_is_behind_it(office: Office) -> None:
    office.people["finance-manager"].add("ada")
    office.away("fiona", "doris")
    office.ask(new_hold("act_1", TWO))
    assert office.told[-1] == ("doris", "felix", "fiona")


def test_people_are_reminded_before_the_end_with_a_leaf_each_time(office: Office) -> None:
    hold = office.ask(new_hold("act_1", TWO))
    office.approve(hold, "felix")
    office.time.forward(18 * HOUR - 1)
    assert office.approvals.sweep().reminded == 0
    office.time.forward(1)
    assert office.approvals.sweep().reminded == 1 and office.approvals.sweep().reminded == 0
    assert office.announced[-1] == ("approval.reminded", "act_1")
    assert office.told[-1] == ("fiona",), "who has decided is left in peace"
    last = office.record()[-1]
    assert (last["event"], last["to"], last["state"]) == ("remind", ["finance-manager"], "waiting")
