"""Many people at once on the same holds of k-of-n: each ends once, and what is carried out has exactly k people."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from functools import partial

import pytest

from autonomy.approvals import Absences, Hold
from autonomy.approvals.model import Verdict
from autonomy.approvals.rules import ALIVE
from autonomy.audit import Log, read_leaf
from autonomy.audit.store import leaves
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import AutonomyError, Busy, Conflict, Overdue, Unavailable
from autonomy.policy.model import Ask
from tests.approvals.house import House, Time, new_hold

NEEDED = 3
HOLDERS = ("fay", "fen", "fia", "fin", "flo", "fox")
AWAY, DEPUTY = "fox", "dora"
VOTERS = (*HOLDERS, DEPUTY, "fay", "fen", "fia")  # three of them twice, from another process at the same time
BATCH = 100
TRIES = 20  # of one vote, while the machine has other things to do


def test_five_hundred_decisions_on_three_of_six_end_each_hold_once_with_three_people(database: Database) -> None:
    Crowd(database, 500).run()


@pytest.mark.slow
def test_ten_thousand_decisions_on_three_of_six_end_each_hold_once_with_three_people(database: Database) -> None:
    Crowd(database, 10_000).run()


class Crowd:
    """Ten votes for each hold, each voter a thread of one of two processes, beside time and whoever carries it out."""

    def __init__(self, database: Database, decisions: int) -> None:
        self.database = database
        self.time = Time()
        self.houses = [House(database, CommitQueue(database, Log()), self.time) for _ in range(2)]
        for house in self.houses:
            house.people["finance-manager"] = set(HOLDERS)
        self.actions = [f"act_{number}" for number in range(decisions // len(VOTERS))]
        self.refusals: Counter[str] = Counter()
        self.start = threading.Barrier(len(VOTERS) + 1)

    def run(self) -> None:
        try:
            self.prepare()
            threads = [threading.Thread(target=self.vote, args=one) for one in enumerate(VOTERS)]
            threads.append(threading.Thread(target=self.expire))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.check()
        finally:
            for house in self.houses:
                house.queue.close()

    def prepare(self) -> None:
        """Every tenth hold runs out at once; the deputy stands in for one of the six."""
        queue = self.houses[0].queue
        absences = Absences(self.database, queue, lambda _: True, self.time)
        absences.declare(AWAY, DEPUTY, self.time(), self.time() + DAY, f"person:{AWAY}")
        for start in range(0, len(self.actions), BATCH):
            queue.run(partial(self.ask, self.actions[start : start + BATCH]))

    def ask(self, actions: list[str], tx: Tx) -> None:
        for action in actions:
            expires = 1 if self.number(action) % 10 == 9 else HOUR
            wanted = Ask("finance-manager", "pay-huge", people=NEEDED, expires=expires)
            self.houses[0].approvals.ask(tx, new_hold(action, wanted))

    def number(self, action: str) -> int:
        return int(action.removeprefix("act_"))

    def vote(self, seed: int, person: str) -> None:
        """Everybody approves, in an order of their own; every fifth hold one of them rejects."""
        approvals = self.houses[seed % 2].approvals
        self.start.wait()
        for action in random.Random(seed).sample(self.actions, len(self.actions)):
            verdict: Verdict = "reject" if self.number(action) % 5 == 4 and person == "flo" else "approve"
            self.attempt(partial(approvals.decide, action, person, verdict, f"bind of {action}"))

    def expire(self) -> None:
        self.start.wait()
        self.time.forward(1)
        self.houses[1].approvals.sweep()

    def attempt(self, step: partial[Hold]) -> None:
        """Vote until there is an answer: a store that is busy has done nothing, or has done it, which the next try
        hears."""
        for _ in range(TRIES):
            try:
                step()
            except (Unavailable, Busy, Overdue):
                continue
            except AutonomyError as error:
                self.refusals[error.code] += 1
            return
        raise AssertionError("the store never answers")

    def check(self) -> None:
        used = self.carry_out()
        ends, approvers = self.on_record()
        for action in self.actions:
            hold = self.houses[0].approvals.get(action)
            voices = [name for vote in hold.votes for name in (vote.person, vote.instead_of) if name]
            assert len(voices) == len(set(voices)), "nobody is heard twice"
            assert len(ends[action]) == 1, "every hold ends once on record"
            voted = [vote.person for vote in hold.votes if vote.verdict == "approve"]
            assert sorted(approvers[action]) == sorted(voted)
            if hold.state == "performed":
                assert hold.approvers == {"finance-manager": NEEDED} and len(hold.votes) == NEEDED
                assert used[action] == 1
            else:
                assert hold.state in ("rejected", "expired") and used[action] == 0
                assert hold.approvers.get("finance-manager", 0) < NEEDED
        states = Counter(self.houses[0].approvals.get(action).state for action in self.actions)
        assert states["performed"] >= len(self.actions) // 2 and set(states) > {"performed", "expired"}
        assert set(self.refusals) <= {
            "approval.voted",
            "approval.decided",
            "approval.role_decided",
            "approval.expired",
            "approval.moved",
        }

    def carry_out(self) -> Counter[str]:
        """Both processes take what is ready, until nothing is."""
        used: Counter[str] = Counter()
        while claims := [(house, claim) for house in self.houses for claim in house.approvals.claim("p", HOUR)]:
            for house, claim in claims:
                assert house.approvals.get(claim.action).approvers == {"finance-manager": NEEDED}
                finish = partial(house.approvals.finish, action=claim.action, fence=claim.fence, state="performed")
                house.queue.run(finish)
                used[claim.action] += 1
                with pytest.raises(Conflict):
                    house.queue.run(finish)
        return used

    def on_record(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """The endings of each hold, and who approved it, as the log tells them."""
        ends: defaultdict[str, list[str]] = defaultdict(list)
        approvers: defaultdict[str, list[str]] = defaultdict(list)
        with self.database.reading() as connection:
            found = [read_leaf(body) for _, body in leaves(connection)]
        for leaf in found:
            if leaf["kind"] == "approval" and leaf["state"] not in ALIVE:
                ends[leaf["action"]].append(leaf["state"])
            if leaf.get("event") == "approve":
                approvers[leaf["action"]].append(leaf["actor"].removeprefix("person:"))
        return ends, approvers
