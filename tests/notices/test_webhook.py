"""Notices of new approvals: durable with what they announce, signed, tried again, and silent about arguments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

import pytest

from autonomy.approvals import Approvals, news
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import HOUR, SECOND
from autonomy.kernel.errors import Invalid, Unauthenticated, Unavailable
from autonomy.notices import Notifier, Webhook
from autonomy.notices.service import MAX_ATTEMPTS, next_attempt
from autonomy.notices.webhook import SIGNATURE_HEADER, check_signature, sign
from tests.approvals.house import NOON, House, Time, new_hold, targets

SECRET = b"a secret of the two of us"
URL = "https://chat.example/hook"


class Receiver:
    """Another system that takes notices, and answers as the test says."""

    def __init__(self) -> None:
        self.answers: list[int | BaseException] = []
        self.seen: list[tuple[str, str, bytes]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.seen.append((url, headers[SIGNATURE_HEADER], body))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Sending(House):
    """A house whose holds are announced by a webhook."""

    def __init__(self, database: Database, queue: CommitQueue) -> None:
        super().__init__(database, queue, Time())
        self.receiver = Receiver()
        webhook = Webhook(self.receiver.post, URL, SECRET, self.time)
        self.notifier = Notifier(database, queue, [webhook], self.time)
        self.approvals = Approvals(
            database,
            queue,
            self.staff,
            targets,
            self.time,
            lambda tx, kind, hold, people, at: self.notifier.announce(
                tx, news.of_hold(kind, hold, people, "https://os.example"), at
            ),
        )

    def deliver(self) -> int:
        return asyncio.run(self.notifier.deliver())


@pytest.fixture
def sending(database: Database, queue: CommitQueue) -> Sending:
    return Sending(database, queue)


def test_a_new_approval_is_announced_once_with_a_signature_that_holds(sending: Sending) -> None:
    sending.ask(new_hold())
    assert sending.deliver() == 1 and sending.deliver() == 0
    ((url, signature, body),) = sending.receiver.seen
    said = check_signature(signature, body, SECRET, NOON // SECOND)
    assert url == URL
    assert {name: value for name, value in said.items() if name != "id"} == {
        "kind": "approval.asked",
        "action": "act_1",
        "agent": "payables-1",
        "tool": "payment.release",
        "roles": ["finance-manager"],
        "expires_at": "2026-03-02T08:00:00.000Z",
        "link": "https://os.example/inbox/act_1",
    }


def test_no_value_of_an_argument_leaves_in_a_notice(sending: Sending) -> None:
    sending.ask(new_hold(consequence="canary 9,800.00 EUR", bind="canary bind", case_id="canary case"))
    sending.deliver()
    assert b"canary" not in sending.receiver.seen[0][2]


def test_an_escalation_and_a_second_question_are_announced_to_whom_they_are_for(sending: Sending) -> None:
    sending.ask(new_hold())
    sending.time.forward(4 * HOUR)
    sending.approvals.sweep()
    assert sending.deliver() == 2
    said = [json.loads(body) for _, _, body in sending.receiver.seen]
    assert {each["kind"]: each["roles"] for each in said} == {
        "approval.asked": ["finance-manager"],
        "approval.escalated": ["cfo", "finance-manager"],
    }


def test_what_is_undone_is_not_announced(sending: Sending) -> None:
    def fail(tx: Tx) -> None:
        sending.approvals.ask(tx, new_hold())
        raise Unavailable("the intent could not be written")

    with pytest.raises(Unavailable):
        sending.queue.run(fail)
    assert sending.deliver() == 0


@pytest.mark.parametrize("failure", [500, 301, 404, OSError("refused"), TimeoutError(), Unavailable("gone")])
def test_a_notice_that_was_not_taken_is_sent_again_after_a_pause(sending: Sending, failure: int | Exception) -> None:
    sending.receiver.answers = [failure]
    sending.ask(new_hold())
    assert sending.deliver() == 0
    assert sending.deliver() == 0 and len(sending.receiver.seen) == 1
    sending.time.forward(10 * SECOND)
    assert sending.deliver() == 1
    first, second = (json.loads(body)["id"] for _, _, body in sending.receiver.seen)
    assert first == second
    assert sending.receiver.seen[0][1] != sending.receiver.seen[1][1]


def test_a_receiver_that_never_answers_is_given_up_after_a_bounded_time(sending: Sending) -> None:
    sending.receiver.answers = [503] * 100
    sending.ask(new_hold())
    for _ in range(50):
        sending.deliver()
        sending.time.forward(HOUR)
    assert len(sending.receiver.seen) == MAX_ATTEMPTS


def test_pauses_grow_to_an_hour_and_end() -> None:
    pauses = [next_attempt(attempts, 0) for attempts in range(1, MAX_ATTEMPTS + 1)]
    assert pauses[:3] == [10_000, 20_000, 40_000]
    assert pauses[-2:] == [HOUR, None]


def test_a_notice_taken_by_a_process_that_died_is_sent_by_the_next(sending: Sending) -> None:
    sending.ask(new_hold())
    sending.receiver.answers = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        sending.deliver()
    assert sending.deliver() == 0
    sending.time.forward(HOUR)
    assert sending.deliver() == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda header, body: (header, body + b" "), "webhook.signature"),
        (lambda header, body: (header.replace("t=1", "t=2"), body), "webhook.signature"),
        (lambda header, body: (header[:-1], body), "webhook.signature"),
        (lambda header, body: ("", body), "webhook.signature"),
        (lambda header, body: (sign(body, b"another secret of others", 1_000), body), "webhook.signature"),
        (lambda header, body: (sign(body, SECRET, 699), body), "webhook.replay"),
        (lambda header, body: (sign(body, SECRET, 1_301), body), "webhook.replay"),
    ],
)
def test_a_forged_altered_or_replayed_notice_is_refused(
    change: Callable[[str, bytes], tuple[str, bytes]], code: str
) -> None:
    body = b'{"id":"ntc_1"}'
    header = sign(body, SECRET, 1_000)
    assert check_signature(header, body, SECRET, 1_300) == {"id": "ntc_1"}
    with pytest.raises(Unauthenticated) as caught:
        check_signature(*change(header, body), SECRET, 1_000)
    assert caught.value.code == code


def test_a_secret_that_can_be_guessed_is_refused_and_none_is_ever_shown() -> None:
    receiver = Receiver()
    with pytest.raises(Invalid):
        Webhook(receiver.post, URL, b"short")
    assert "secret of" not in repr(Webhook(receiver.post, URL, SECRET))
