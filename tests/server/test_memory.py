"""What agents remember, as people see it: each as far as they may; and forgetting, by who owns the space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autonomy.kernel.errors import Conflict
from autonomy.sdk import AgentClient
from tests.server.desk import Desk, desk, files

SPACES = """
apiVersion: autonomy/v1
kind: MemorySpace
metadata: { name: shop }
spec:
  owner: suzi
  readers: { roles: [worker, boss] }
  writers: { roles: [worker] }
---
apiVersion: autonomy/v1
kind: MemorySpace
metadata: { name: office }
spec: { owner: ada, readers: { agents: [clerk] }, writers: { agents: [clerk] } }
"""


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server with two memory spaces and an item in each."""
    with desk(tmp_path, database_url, organisation=files(spaces=SPACES)) as found:
        for agent, space, text in (("w1", "shop", "the lathe hums"), ("clerk", "office", "the lathe is sold")):
            assert found.act("memory.write", agent, space=space, text=text)["status"] == "done"
        yield found


def texts(shop: Desk, person: str, query: str = "lathe") -> list[str]:
    answer = shop.person(person).get(f"/api/memory/search?query={query}")
    assert answer.status == 200, answer.body
    return [each["text"] for each in answer.json["items"]]


def test_people_see_the_spaces_they_own_or_hold_a_reading_role_in(shop: Desk) -> None:
    assert texts(shop, "suzi") == texts(shop, "bea") == ["the lathe hums"]
    assert texts(shop, "ada") == ["the lathe is sold"]
    assert texts(shop, "vera") == []
    (item,) = shop.person("bea").get("/api/memory/search?query=hums").json["items"]
    assert shop.person("bea").get(f"/api/memory/items/{item['item']}").json["author"].startswith("w1@")
    hidden = shop.person("vera").get(f"/api/memory/items/{item['item']}")
    assert (hidden.status, hidden.code) == (404, "memory.unknown_item")


def test_people_say_by_what_they_search_and_hear_by_what_was_found(shop: Desk) -> None:
    found = shop.person("bea").get("/api/memory/search?query=lathe&by=text").json
    assert (found["by"], found["missing"], found["newest"]) == ("text", None, {})
    refused = shop.person("bea").get("/api/memory/search?query=lathe&by=meaning")
    assert (refused.status, refused.code) == (400, "memory.no_meaning")
    unknown = shop.person("bea").get("/api/memory/search?query=lathe&by=magic")
    assert unknown.status == 400


def test_a_listing_counts_what_the_person_may_read_and_work_that_was_saved(shop: Desk) -> None:
    work = {"space": "shop", "task": "tune the lathe", "inputs": {"n": 1}}
    assert shop.act("memory.recall", **work)["result"]["answer"] == "yours"
    assert shop.act("memory.write", **work, text="tuned")["status"] == "done"
    assert shop.act("memory.recall", "w2", **work)["result"]["answer"] == "found"
    found = {each["name"]: each for each in shop.person("suzi").get("/api/memory/spaces").json["items"]}
    assert (found["shop"]["items"], found["shop"]["saved"], found["shop"]["begun"]) == (2, 1, 1)
    assert (found["office"]["items"], found["office"]["owner"]) == (None, "ada")


def test_only_the_owner_forgets_and_the_log_says_how_many_and_why(shop: Desk) -> None:
    asked = {"space": "shop", "author": "w1", "reason": "it was hacked"}
    for person, status, code in (("ada", 404, "memory.unknown_space"), ("bea", 403, "permission.missing")):
        refused = shop.person(person).post("/api/memory/forget", asked)
        assert (refused.status, refused.code) == (status, code)
    assert shop.person("suzi").post("/api/memory/forget", asked).json == {"forgotten": 1}
    assert texts(shop, "suzi") == []
    (logged,) = shop.person("aldo").get("/api/audit/leaves?kind=memory").json["leaves"]
    assert (logged["leaf"]["actor"], logged["leaf"]["items"]) == ("person:suzi", 1)
    assert (logged["leaf"]["space"], logged["leaf"]["reason"]) == ("shop", "it was hacked")
    nothing = shop.person("suzi").post("/api/memory/forget", {"space": "shop", "reason": "all of it"})
    assert (nothing.status, nothing.code) == (400, "memory.nothing_named")


def test_the_client_of_an_agent_does_work_once(shop: Desk) -> None:
    keys = [shop.system.identity.issue_credential(name, "api_key", "system").secret for name in ("w1", "w2")]
    first, second = (AgentClient(shop.url, key=key) for key in keys)
    done: list[int] = []

    def work() -> str:
        done.append(1)
        return "the answer is 42"

    assert [each.reuse("shop", "think", {"about": "all"}, work) for each in (first, second, first)] == [
        "the answer is 42"
    ] * 3
    assert done == [1]


def test_work_that_fails_is_somebody_elses_to_do(shop: Desk) -> None:
    client = AgentClient(shop.url, key=shop.system.identity.issue_credential("w1", "api_key", "system").secret)

    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.reuse("shop", "divide", {}, fail)
    other = shop.act("memory.recall", "w2", space="shop", task="divide", inputs={})
    assert other["result"]["answer"] == "yours"
    with pytest.raises(Conflict) as taken:
        client.reuse("shop", "divide", {}, fail, wait=0)
    assert taken.value.code == "memory.taken"
