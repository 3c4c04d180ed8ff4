"""What was opened before an erasure is not found after it, whatever else came of the action meanwhile."""

from __future__ import annotations

from sqlalchemy import insert

from autonomy.audit.store import payload
from autonomy.db import CommitQueue, Tx
from autonomy.insight.taken import still_kept
from autonomy.insight.taking_in import Batch, Seen


def test_what_came_after_an_erasure_keeps_no_words_from_before_it(queue: CommitQueue) -> None:
    actions = {name: Seen(parts={"arguments", "result"}) for name in ("act_erased", "act_kept")}
    there = [("act_erased", "result"), ("act_kept", "arguments"), ("act_kept", "result")]

    def work(tx: Tx) -> dict[str, set[int]]:
        rows = [
            {"action": action, "part": part, "subject": "s", "generation": 1, "box": b"", "at": 1}
            for action, part in there
        ]
        tx.execute(insert(payload), rows)
        return still_kept(tx, {"act_erased": {1}, "act_kept": {2}}, Batch(actions=actions))

    assert queue.run(work) == {"act_kept": {2}}
