"""Letters: to everybody concerned, by the address they have when it is sent, tried until they are accepted."""

from __future__ import annotations

import asyncio

import pytest

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import MINUTE, SECOND
from autonomy.kernel.errors import Unavailable
from autonomy.notices import Mail, News, Notifier, Webhook
from autonomy.notices.mail import MAX_RECIPIENTS
from tests.approvals.house import Time

ADDRESSES = {"fiona": "fiona@acme.example", "felix": "felix@acme.example"}


class Office:
    """A notifier by mail, and the server that takes its letters as the test says."""

    def __init__(self, database: Database, queue: CommitQueue) -> None:
        self.time = Time()
        self.queue = queue
        self.addresses = dict(ADDRESSES)
        self.refuses: dict[str, Exception] = {}
        self.letters: list[tuple[str, str, str, str]] = []
        self.notifier = Notifier(database, queue, [Mail(self.send, self.addresses.get)], self.time)

    async def send(self, id: str, address: str, subject: str, text: str) -> None:
        self.letters.append((id, address, subject, text))
        if address in self.refuses:
            raise self.refuses[address]

    def announce(self, subject: str = "an approval waits", people: tuple[str, ...] = ("fiona", "felix")) -> None:
        def tell(tx: Tx) -> None:
            news = News("approval.asked", {"action": "act_1"}, subject, "Look at it.", lambda: people)
            self.notifier.announce(tx, news, self.time())

        self.queue.run(tell)

    def deliver(self) -> int:
        return asyncio.run(self.notifier.deliver())

    def sent_to(self) -> list[str]:
        return sorted(address for _, address, _, _ in self.letters)


@pytest.fixture
def office(database: Database, queue: CommitQueue) -> Office:
    return Office(database, queue)


def test_everybody_concerned_gets_a_letter_of_their_own_once(office: Office) -> None:
    office.announce()
    assert office.deliver() == 2 and office.deliver() == 0
    assert office.sent_to() == sorted(ADDRESSES.values())
    assert len({id for id, *_ in office.letters}) == 2
    assert {letter[2:] for letter in office.letters} == {("an approval waits", "Look at it.")}


@pytest.mark.parametrize("failure", [Unavailable("gone"), OSError("refused"), TimeoutError()])
def test_a_letter_that_was_not_accepted_is_sent_again_and_the_others_are_not(
    office: Office, failure: Exception
) -> None:
    office.refuses["felix@acme.example"] = failure
    office.announce()
    assert office.deliver() == 1
    office.refuses.clear()
    office.time.forward(10 * SECOND)
    assert office.deliver() == 1
    assert office.sent_to() == ["felix@acme.example", "felix@acme.example", "fiona@acme.example"]
    assert len({id for id, address, *_ in office.letters if address.startswith("felix")}) == 1


def test_who_has_left_meanwhile_gets_none(office: Office) -> None:
    office.announce()
    del office.addresses["fiona"]
    assert office.deliver() == 2
    assert office.sent_to() == ["felix@acme.example"]
    office.time.forward(MINUTE)
    assert office.deliver() == 0


def test_a_subject_cannot_begin_another_header(office: Office) -> None:
    office.announce("payables-1 asks\r\nBcc: everybody@acme.example\x00", ("fiona",))
    office.deliver()
    assert office.letters[0][2] == "payables-1 asks Bcc: everybody@acme.example"


def test_where_too_many_are_concerned_the_letter_and_the_log_say_so(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    people = tuple(f"person-{number:03}" for number in range(MAX_RECIPIENTS + 1))
    office.addresses.update({name: f"{name}@acme.example" for name in people})
    office.announce(people=people[:-1])
    while office.deliver():
        pass
    assert len(office.letters) == MAX_RECIPIENTS and {letter[3] for letter in office.letters} == {"Look at it."}
    office.letters.clear()
    office.announce(people=people)
    while office.deliver():
        pass
    (text,) = {letter[3] for letter in office.letters}
    assert len(office.letters) == MAX_RECIPIENTS and "concerns 201 people, of whom 200 get a letter" in text
    assert "201 people" in caplog.text


def test_news_that_concern_nobody_in_person_are_no_letter(office: Office) -> None:
    office.announce(people=())
    assert office.deliver() == 0 and office.letters == []


def test_people_are_looked_for_only_where_somebody_is_told_in_person(database: Database, queue: CommitQueue) -> None:
    posted: list[bytes] = []

    async def post(_url: str, _headers: object, body: bytes) -> int:
        posted.append(body)
        return 204

    def nobody_asks() -> tuple[str, ...]:
        raise AssertionError("a webhook needs no names")

    notifier = Notifier(database, queue, [Webhook(post, "https://chat.example", b"a secret of us two")])
    queue.run(lambda tx: notifier.announce(tx, News("k", {"a": 1}, "s", "t", nobody_asks), at=0))
    assert asyncio.run(notifier.deliver()) == 1
    assert posted[0].startswith(b'{"a":1,"id":"ntc_') and posted[0].endswith(b'"kind":"k"}')


def test_without_a_channel_nothing_is_kept_and_nothing_sent(database: Database, queue: CommitQueue) -> None:
    silent = Notifier(database, queue)
    queue.run(lambda tx: silent.announce(tx, News("k", {}, "s", "t"), at=0))
    assert asyncio.run(silent.deliver()) == 0
