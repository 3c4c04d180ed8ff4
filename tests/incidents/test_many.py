"""An incident about so much that no answer holds it: what is said of all of it is counted over all of it."""

from __future__ import annotations

from typing import Any

from autonomy.db import Tx
from autonomy.incidents import Stop, store
from tests.incidents.test_incidents import office, open_about
from tests.server.desk import Client, Desk

__all__ = ["office"]

MANY = 450


def all_of(person: Client, path: str) -> list[dict[str, Any]]:
    """Everything on all pages of a list."""
    found, after = list[dict[str, Any]](), ""
    while True:
        page = person.get(f"{path}{'&' if '?' in path else '?'}limit=100{after}").json
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_what_is_not_confirmed_is_seen_behind_hundreds_that_are(office: Desk) -> None:
    suzi = office.person("suzi")
    incident = open_about(suzi, "agent", "w1")

    def write(tx: Tx) -> None:
        agents = [Stop("agent", f"spiffe://x/{n:04}", "confirmed", 1, f"a{n}") for n in range(MANY)]
        store.mark_all(tx, incident, [*agents, Stop("keys", "*", "asked", 1, "")])  # nobody confirms that meanwhile

    office.system.queue.run(write)
    told = suzi.get(f"/api/incidents/{incident}").json
    assert not told["is_stopped"] and told["stop_counts"] == {"asked": 1, "confirmed": MANY}
    assert told["stops"][0]["kind"] == "keys" and len(told["stops"]) == store.SHOWN
    assert len(all_of(suzi, f"/api/incidents/{incident}/stops")) == MANY + 1
    (left,) = all_of(suzi, f"/api/incidents/{incident}/stops?state=asked")
    assert (left["kind"], left["target"]) == ("keys", "*")


def test_the_newest_of_a_long_timeline_is_told_and_the_rest_is_found(office: Desk) -> None:
    suzi = office.person("suzi")
    incident = open_about(suzi, "agent", "w1", text="the first word")

    def write(tx: Tx) -> None:
        for number in range(MANY):
            store.note(tx, incident, 1, "person:suzi", "noted", f"word {number}")

    office.system.queue.run(write)
    told = suzi.get(f"/api/incidents/{incident}").json
    assert told["timeline_count"] == MANY + 1 and len(told["timeline"]) == store.SHOWN
    assert told["timeline"][-1]["text"] == f"word {MANY - 1}"
    whole = all_of(suzi, f"/api/incidents/{incident}/timeline")
    assert [one["number"] for one in whole] == list(range(MANY + 1, 0, -1)) and whole[-1]["text"] == "the first word"
    for part in ("timeline", "stops"):
        assert suzi.get(f"/api/incidents/inc_none/{part}").code == "incident.unknown"
