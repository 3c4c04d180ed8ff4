"""Links, passwords, sessions."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from autonomy.db import CommitQueue, Database
from autonomy.identity import Identity, Permission, State, passwords, rules
from autonomy.identity.model import GroupGrant
from autonomy.kernel.clock import HOUR, MINUTE, SECOND
from autonomy.kernel.errors import AutonomyError, Busy, Forbidden
from tests.identity.world import ISSUER, KEY, PASSWORD, PEOPLE, World, code_of, other_process


@pytest.fixture
def cleo(identity: Identity) -> str:
    """The administrator has a password."""
    return identity.accept_invitation(identity.invite("cleo"), PASSWORD)


def test_the_first_administrator_comes_by_a_one_time_link(database: Database, queue: CommitQueue) -> None:
    identity = Identity(database, queue, lambda: 1_800_000_000_000, KEY, ISSUER)
    link = identity.invite("cleo")
    assert identity.accept_invitation(link, PASSWORD) == "cleo"
    person = identity.person(identity.sign_in("cleo", PASSWORD))
    assert person.access == ("admin",) and person.actor == "person:cleo"
    rules.require(person, Permission.CATALOG_CHANGE_APPLY)
    assert code_of(lambda: identity.invite("mallory")) == "person.unknown"


def test_a_name_that_is_no_name_does_not_become_the_first_administrator(database: Database, queue: CommitQueue):
    identity = Identity(database, queue, lambda: 1_800_000_000_000, KEY, ISSUER)
    assert code_of(lambda: identity.invite("Mal Lory")) == "person.name"
    assert identity.people() == []


def test_the_first_administrator_is_taken_over_by_the_declaration(database: Database, queue: CommitQueue) -> None:
    identity = Identity(database, queue, lambda: 1_800_000_000_000, KEY, ISSUER)
    identity.accept_invitation(identity.invite("cleo"), PASSWORD)
    world = World(identity, database, queue, [1_800_000_000_000])
    world.project()
    person = identity.person(identity.sign_in("cleo", PASSWORD))
    assert person.display_name == "Cleo C"


def test_a_link_works_once(identity: Identity) -> None:
    link = identity.invite("ana", "person:cleo")
    identity.accept_invitation(link, PASSWORD)
    assert code_of(lambda: identity.accept_invitation(link, "another password")) == "invitation.invalid"
    assert identity.sign_in("ana", PASSWORD)


def test_a_link_used_by_many_at_once_works_once(identity: Identity) -> None:
    link, answers = identity.invite("ana"), []

    def accept(number: int) -> None:
        try:
            answers.append(identity.accept_invitation(link, f"{PASSWORD} {number}"))
        except AutonomyError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["ana", "invitation.invalid", "invitation.invalid", "invitation.invalid"]


def test_a_link_lasts_a_day_and_a_newer_one_ends_it(world: World, identity: Identity) -> None:
    first, second = identity.invite("ana"), identity.invite("ana")
    assert code_of(lambda: identity.accept_invitation(first, PASSWORD)) == "invitation.invalid"
    world.later(24 * HOUR)
    assert code_of(lambda: identity.accept_invitation(second, PASSWORD)) == "invitation.invalid"


@pytest.mark.parametrize("token", ["", "aosi_", "aosi_guess", "\x00", "\ud800", "x" * 10_000])
def test_a_guessed_link_or_session_is_refused(identity: Identity, token: str) -> None:
    assert code_of(lambda: identity.accept_invitation(token, PASSWORD)) == "invitation.invalid"
    assert code_of(lambda: identity.person(token)) == "session.invalid"
    identity.sign_out(token)


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "x" * 1_025])
def test_a_password_has_a_fit_length(identity: Identity, password: str) -> None:
    link = identity.invite("ana")
    assert code_of(lambda: identity.accept_invitation(link, password)) == "password.length"
    assert identity.accept_invitation(link, PASSWORD) == "ana"


def test_passwords_and_tokens_are_never_stored_in_plain(world: World, identity: Identity) -> None:
    link = identity.invite("ana")
    identity.accept_invitation(link, PASSWORD)
    session = identity.sign_in("ana", PASSWORD)
    with world.database.reading() as connection:
        stored = "".join(
            str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("person", "invitation", "session", "sign_in_failure")
        )
    assert "$argon2id$" in stored
    for secret in (PASSWORD, link, link[5:], session, session[5:]):
        assert secret not in stored and secret not in str(world.leaves())


def test_a_setting_of_a_new_password_ends_the_sessions_and_the_old_password(cleo: str, identity: Identity) -> None:
    session = identity.sign_in(cleo, PASSWORD)
    identity.accept_invitation(identity.invite(cleo), "a different password")
    assert code_of(lambda: identity.person(session)) == "session.invalid"
    assert code_of(lambda: identity.sign_in(cleo, PASSWORD)) == "sign_in.failed"
    assert identity.sign_in(cleo, "a different password")


def test_a_password_replaced_while_it_was_checked_opens_nothing(
    cleo: str, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, check = identity.invite(cleo), passwords.check_password

    def replaced_meanwhile(stored: str | None, password: str) -> bool:
        found = check(stored, password)
        identity.accept_invitation(link, "a different password")
        return found

    monkeypatch.setattr(passwords, "check_password", replaced_meanwhile)
    assert code_of(lambda: identity.sign_in(cleo, PASSWORD)) == "sign_in.failed"


@pytest.mark.parametrize("name", ["cleo", "ana", "nobody", "", "No Name", "\x00", "\ud800", "?", "x" * 5_000])
def test_a_failed_sign_in_is_the_same_for_every_name(cleo: str, identity: Identity, name: str) -> None:
    with pytest.raises(AutonomyError) as caught:
        identity.sign_in(name, "wrong password")
    assert caught.value.as_dict() == {"code": "sign_in.failed", "message": "name or password is wrong"}


@pytest.mark.parametrize("password", ["", "\x00", "\ud800", "x" * 100_000])
def test_a_strange_password_is_a_wrong_one(cleo: str, identity: Identity, password: str) -> None:
    assert code_of(lambda: identity.sign_in("cleo", password)) == "sign_in.failed"


def test_a_name_without_a_password_costs_as_much_to_check_as_one_with_it() -> None:
    # The stand-in must be as dear as a real hash made today; were the cost raised, this would tell.
    assert not passwords.is_outdated(passwords.NOBODY)
    assert passwords.check_password(None, PASSWORD) is False
    assert passwords.check_password(passwords.hash_password(PASSWORD), PASSWORD) is True


@pytest.mark.parametrize("name", ["cleo", "nobody"])
def test_after_five_failures_everybody_waits_even_with_the_right_password(
    cleo: str, world: World, identity: Identity, name: str
) -> None:
    for _ in range(5):
        assert code_of(lambda: identity.sign_in(name, "wrong password")) == "sign_in.failed"
    with pytest.raises(Busy) as caught:
        identity.sign_in(name, PASSWORD)
    assert caught.value.code == "sign_in.waiting" and caught.value.retry_after == 30
    assert code_of(lambda: other_process(world).sign_in(name, PASSWORD)) == "sign_in.waiting"
    world.later(30 * SECOND)
    assert code_of(lambda: identity.sign_in(name, "wrong password")) == "sign_in.failed"
    with pytest.raises(Busy) as caught:
        identity.sign_in(name, PASSWORD)
    assert caught.value.retry_after == 60


def test_the_right_password_after_the_wait_clears_the_failures(cleo: str, world: World, identity: Identity) -> None:
    for _ in range(5):
        code_of(lambda: identity.sign_in("cleo", "wrong password"))
    assert [leaf["event"] for leaf in world.leaves()].count("sign_in.waiting") == 1
    world.later(30 * SECOND)
    assert identity.sign_in("cleo", PASSWORD)
    assert code_of(lambda: identity.sign_in("cleo", "wrong password")) == "sign_in.failed"
    assert identity.sign_in("cleo", PASSWORD)


def test_attempts_made_at_once_are_counted_one_by_one(cleo: str, identity: Identity) -> None:
    answers: list[str] = []

    def attempt() -> None:
        answers.append(code_of(lambda: identity.sign_in("cleo", "wrong password")))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["sign_in.failed"] * 5 + ["sign_in.waiting"] * 7


def test_guessing_names_fills_a_bounded_table(world: World, identity: Identity) -> None:
    for number in range(12):
        code_of(lambda n=number: identity.sign_in(f"guess-{n}", "wrong password"))
    with world.database.reading() as connection:
        keys = connection.exec_driver_sql("SELECT key FROM sign_in_failure").scalars().all()
    assert keys and all(len(key) == 5 and key.startswith("?") for key in keys)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (4, 0), (5, 30), (6, 60), (9, 480), (10, 900), (10**6, 900)])
def test_the_wait_doubles_and_is_never_for_good(failures: int, seconds: int) -> None:
    assert rules.wait_after(failures) == seconds * SECOND


def test_a_session_lasts_twelve_hours_or_until_signed_out(cleo: str, world: World, identity: Identity) -> None:
    first, second = identity.sign_in(cleo, PASSWORD), identity.sign_in(cleo, PASSWORD)
    assert identity.person(first).name == "cleo"
    identity.sign_out(first)
    assert code_of(lambda: identity.person(first)) == "session.invalid"
    world.later(12 * HOUR - MINUTE)
    assert identity.person(second).name == "cleo"
    world.later(MINUTE)
    assert code_of(lambda: identity.person(second)) == "session.invalid"


def test_signing_in_does_not_disturb_the_agents(cleo: str, world: World, identity: Identity) -> None:
    epoch = world.epoch
    identity.sign_out(identity.sign_in(cleo, PASSWORD))
    assert world.epoch == epoch


ANA_ADMINISTERS = [replace(PEOPLE[0], access=("admin",)), PEOPLE[1], replace(PEOPLE[2], access=("viewer",))]


def test_what_a_person_may_do_follows_the_declaration_at_once(cleo: str, world: World, identity: Identity) -> None:
    session = identity.sign_in(cleo, PASSWORD)
    rules.require(identity.person(session), Permission.CATALOG_CHANGE_APPLY)
    world.project(people=ANA_ADMINISTERS)
    with pytest.raises(Forbidden) as caught:
        rules.require(identity.person(session), Permission.CATALOG_CHANGE_APPLY)
    assert caught.value.code == "permission.missing" and "admin" in caught.value.hint


AUDITORS = GroupGrant("corporate", "autonomy-auditors", "access", "auditor")
PAYERS = GroupGrant("corporate", "payers", "role", "finance-manager")


def test_groups_at_the_identity_provider_admit_to_what_is_declared_for_them(world: World, identity: Identity) -> None:
    world.project(people=ANA_ADMINISTERS, grants=[AUDITORS, PAYERS])
    session = identity.sign_in_external("https://idp.example|cleo", ["autonomy-auditors", "everyone"], "corporate")
    assert identity.person(session).access == ("auditor", "viewer")
    assert identity.person(session).roles == ()
    world.project(people=ANA_ADMINISTERS, grants=[PAYERS])
    assert identity.person(session).access == ("viewer",)
    assert code_of(lambda: identity.sign_in_external("https://idp.example|mallory", [])) == "sign_in.failed"
    crowd = [f"group-{number}" for number in range(201)]
    assert code_of(lambda: identity.sign_in_external("https://idp.example|cleo", crowd)) == "sign_in.groups"


def test_a_group_of_another_provider_admits_to_nothing(world: World, identity: Identity) -> None:
    world.project(grants=[AUDITORS, PAYERS])
    session = identity.sign_in_external("https://idp.example|cleo", ["autonomy-auditors", "payers"], "other")
    assert identity.person(session).access == ("admin",)
    assert identity.holders("finance-manager") == ("ana",)


def test_a_role_by_a_group_told_at_sign_on_is_held_as_long_as_the_session(world: World, identity: Identity) -> None:
    world.project(grants=[PAYERS])
    session = identity.sign_in_external("https://idp.example|cleo", ["payers"], "corporate")
    assert identity.person(session).roles == ("finance-manager",)
    assert identity.holders("finance-manager") == ("ana", "cleo")
    world.later(12 * HOUR)
    assert identity.holders("finance-manager") == ("ana",)


def test_holders_of_a_role_are_the_people_who_are_here(identity: Identity) -> None:
    assert identity.holders("finance-manager") == ("ana",)
    identity.offboard("ana", "person:cleo", "left")
    assert identity.holders("finance-manager") == ()
    assert identity.agent("clerk").state is State.SUSPENDED
