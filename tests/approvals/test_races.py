"""Everybody at once on the same holds: each hold ends in exactly one way, and its approval is used at most once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from autonomy.approvals import Claim, Hold
from autonomy.approvals.model import Verdict
from autonomy.approvals.rules import ALIVE
from autonomy.audit import Log, read_leaf
from autonomy.audit.store import leaves
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.errors import Conflict
from autonomy.policy.model import Ask
from tests.approvals.house import House, Time, new_hold

BATCH = 100  # holds opened in one transaction
LEASE = 5  # ticks; the clock ticks with every approval, so some claims are lost on the way
ENDS = {"reject": "rejected", "withdraw": "withdrawn", "expire": "expired", "finish": "performed"}


@pytest.mark.parametrize("races", [300, pytest.param(1_000, marks=pytest.mark.slow)])
def test_of_all_who_race_for_a_hold_exactly_one_ends_it(database: Database, races: int) -> None:
    Race(database, races).run()


class Race:
    """Approve, reject, withdraw, expire and carry out, by six threads through two commit queues."""

    def __init__(self, database: Database, races: int) -> None:
        self.database = database
        self.time = Time()
        self.houses = [House(database, CommitQueue(database, Log()), self.time) for _ in range(2)]
        self.actions = [f"act_{number}" for number in range(races)]
        self.luck = random.Random(7)
        self.wins: list[tuple[str, str]] = []
        self.over = threading.Event()
        self.alarms = [threading.Semaphore(0) for _ in range(3)]

    def run(self) -> None:
        try:
            self.open_holds()
            self.compete()
            self.expire_the_rest()
            self.check()
        finally:
            for house in self.houses:
                house.queue.close()

    def open_holds(self) -> None:
        """Holds that run out at some time during the race or a little after it."""
        for start in range(0, len(self.actions), BATCH):
            self.houses[0].queue.run(partial(self.open_batch, start))

    def open_batch(self, start: int, tx: Tx) -> None:
        for action in self.actions[start : start + BATCH]:
            expires = self.luck.randint(1, len(self.actions) * 3 // 2)
            self.houses[0].approvals.ask(tx, new_hold(action, Ask("finance-manager", "pay-large", expires=expires)))

    def compete(self) -> None:
        voters = [threading.Thread(target=each) for each in (self.approve, self.reject, self.withdraw)]
        first, second, third = self.alarms
        others = [
            threading.Thread(target=self.carry_out, args=(self.houses[0], first)),
            threading.Thread(target=self.carry_out, args=(self.houses[1], second)),
            threading.Thread(target=self.sweep, args=(third,)),
        ]
        for thread in (*voters, *others):
            thread.start()
        for thread in voters:
            thread.join()
        self.over.set()
        self.tick()
        for thread in others:
            thread.join()

    def approve(self) -> None:
        for action in self.shuffled(1):
            self.tick()
            self.vote(self.houses[0], action, "felix", "approve")

    def reject(self) -> None:
        for action in self.shuffled(2):
            self.vote(self.houses[1], action, "fiona", "reject")

    def vote(self, house: House, action: str, person: str, verdict: Verdict) -> None:
        self.attempt(lambda: house.approvals.decide(action, person, verdict, f"bind of {action}"))

    def withdraw(self) -> None:
        for action in self.shuffled(3):
            self.attempt(partial(self.houses[1].approvals.withdraw, action, "person:ada"))

    def tick(self) -> None:
        """Time passes, and whoever looks for work at times looks."""
        self.time.forward(1)
        for alarm in self.alarms:
            alarm.release()

    def carry_out(self, house: House, alarm: threading.Semaphore) -> None:
        while alarm.acquire() and not self.over.is_set():
            for claim in house.approvals.claim("a process", LEASE):
                self.attempt(partial(self.use, house, claim))

    def use(self, house: House, claim: Claim) -> Hold:
        return house.queue.run(lambda tx: house.approvals.finish(tx, claim.action, claim.fence, "performed"))

    def sweep(self, alarm: threading.Semaphore) -> None:
        while alarm.acquire() and not self.over.is_set():
            self.houses[1].approvals.sweep()

    def attempt(self, step: Callable[[], Hold]) -> None:
        """What the step was told it had achieved is kept; that another was faster is what races are about."""
        try:
            after = step()
        except Conflict:
            return
        if after.state not in ALIVE:
            self.wins.append((after.action, after.state))

    def expire_the_rest(self) -> None:
        self.time.forward(2 * len(self.actions))
        self.houses[0].approvals.sweep()

    def check(self) -> None:
        ended = self.ends_on_record()
        assert sorted(ended) == sorted(self.actions)
        states = {action: ends[0] for action, ends in ended.items() if len(ends) == 1}
        assert len(states) == len(self.actions), "every hold ends once on record"
        assert states == {action: self.houses[0].approvals.get(action).state for action in self.actions}
        told = {action: state for action, state in states.items() if state != "expired"}
        assert sorted(self.wins) == sorted(told.items()), "who was told to have ended it is who did"
        assert set(Counter(states.values())) == set(ENDS.values()), "every way to end was taken by some"

    def ends_on_record(self) -> dict[str, list[str]]:
        ended: dict[str, list[str]] = {}
        approved = Counter[str]()
        with self.database.reading() as connection:
            found = [read_leaf(body) for _, body in leaves(connection)]
        for leaf in found:
            if leaf["event"] == "approve":
                approved[leaf["action"]] += 1
            else:
                ended.setdefault(leaf["action"], []).append(ENDS[leaf["event"]])
        assert all(approved[action] == 1 for action, ends in ended.items() if "performed" in ends)
        assert max(approved.values()) == 1
        return ended

    def shuffled(self, seed: int) -> list[str]:
        return random.Random(seed).sample(self.actions, len(self.actions))
