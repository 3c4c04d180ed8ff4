"""The feed of events: in order, without gaps across reconnections, and only what one may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import pytest
import urllib3

from autonomy.audit.leaf import Kind
from autonomy.audit.store import read_head
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import Unavailable
from autonomy.server import feed
from autonomy.server.app import Server
from autonomy.server.routes.events import TOLD, Topic, seen_of, topics_of
from tests.server.desk import Client, Desk, eventually


def blocks(stream: urllib3.BaseHTTPResponse) -> Iterator[dict[str, str]]:
    """The events of a stream as they come; comments under the name of the empty string."""
    text = ""
    for chunk in stream.stream(1, decode_content=False):
        text += chunk.decode()
        while "\n\n" in text:
            block, text = text.split("\n\n", 1)
            yield dict(line.split(":", 1) for line in block.split("\n"))


def read(person: Client, count: int, path: str = "/api/events", **headers: str) -> list[tuple[int, str, dict]]:
    """The next `count` events: index, kind, leaf."""
    found = []
    with person.stream(path, **headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for block in blocks(stream):
            if "data" in block:
                found.append((int(block["id"]), block["event"].strip(), json.loads(block["data"])))
            if len(found) == count:
                return found
    return found


def size(office: Desk) -> int:
    with office.system.database.reading() as connection:
        return read_head(connection)[0]


def test_events_come_as_they_happen(office: Desk) -> None:
    aldo = office.person("aldo")
    with aldo.stream("/api/events") as stream:
        coming = blocks(stream)
        assert "" in next(coming)  # the comment with which every stream begins
        office.act("look", n=7)
        kinds = []
        while "outcome" not in kinds:
            block = next(coming)
            if "event" in block:
                kinds.append(block["event"].strip())
    assert kinds[-2:] == ["intent", "outcome"]


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(office: Desk) -> None:
    aldo, start = office.person("aldo"), size(office)
    for number in range(6):
        office.act("look", n=number)
    first = read(aldo, 3, f"/api/events?after={start - 1}")
    for number in range(6, 12):
        office.act("look", n=number)
    heard, last = list(first), first[-1][0]
    total = size(office)
    while last < total - 1:
        heard += read(aldo, 1, Last_Event_ID=str(last))
        last = heard[-1][0]
    assert [index for index, _, _ in heard] == list(range(start, total))
    assert all(leaf["index"] == index and leaf["kind"] == kind for index, kind, leaf in heard)
    assert sum(kind == "intent" for _, kind, _ in heard) == 12


@pytest.mark.parametrize("ahead", [0, 5_000])
def test_who_was_told_more_than_the_log_holds_is_told_to_look_at_everything_anew(office: Desk, ahead: int) -> None:
    office.agent()
    aldo = office.person("aldo")
    start = size(office)
    with aldo.stream("/api/events?topics=actions", Last_Event_ID=str(start + ahead)) as stream:
        coming = (block for block in blocks(stream) if "data" in block)
        anew = next(coming)
        assert anew["event"].strip() == "anew" and set(json.loads(anew["data"])["topics"]) == set(get_args(Topic))
        assert int(anew["id"]) == start - 1  # who is cut off now goes on from here
        office.act("look", n=1)
        assert [(int(one["id"]), one["event"].strip()) for one in (next(coming), next(coming))] == [
            (start, "intent"),
            (start + 1, "outcome"),
        ]


def test_who_was_told_by_a_process_that_is_ahead_goes_on_without_a_gap(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOK_SECONDS", 3_600.0)  # this process sees nothing of what happens meanwhile
    aldo = office.person("aldo")
    with aldo.stream("/api/events") as first:
        next(blocks(first))
        office.act("look", n=1)
        told = size(office) - 1
        with aldo.stream("/api/events", Last_Event_ID=str(told)) as second:
            assert next(blocks(second))[""].strip() == f"from leaf {told + 1}"


def test_of_what_is_not_for_one_it_is_told_that_it_happened_and_no_more(office: Desk) -> None:
    vera, aldo, ada = map(office.person, ("vera", "aldo", "ada"))
    office.agent()
    start = size(office)
    assert ada.send("PUT", "/api/secrets/erp", {"value": "a long value of a secret"}).status == 200
    office.person("bea")  # a session is a leaf of the kind `identity`
    office.act("look", n=2)
    viewer = read(vera, 2, f"/api/events?after={start - 1}")
    auditor = read(aldo, 2, f"/api/events?after={start - 1}")
    identity = {"index": start + 1, "kind": "identity", "topics": ["people"]}
    assert viewer[0] == (start + 1, "identity", identity) and viewer[1][1] == "intent"  # a viewer sees no secrets
    assert [kind for _, kind, _ in auditor] == ["secret", "identity"] and auditor[1][2]["actor"]


def test_a_last_event_that_is_no_index_is_refused(hall: Desk) -> None:
    aldo = hall.person("aldo")
    for wrong in ("x", "-1", "1.5", "9" * 40):
        answer = aldo.get("/api/events", Last_Event_ID=wrong)
        assert (answer.status, answer.code) == (400, "events.last_id")


def test_a_stream_ends_with_its_session(office: Desk) -> None:
    aldo = office.person("aldo")
    with aldo.stream("/api/events") as stream:
        coming = blocks(stream)
        next(coming)
        assert aldo.send("DELETE", "/api/session").status == 204
        rest = list(coming)
    assert rest[-1][""].strip() == "session.invalid"
    assert not any(block.get("event", "").strip() == "intent" for block in rest)


def seen(kind: str, *permissions: Permission) -> dict[str, str] | None:
    """What somebody with these permissions is told of a leaf of the kind."""
    person = PersonCaller("somebody", "Somebody", (), (), frozenset(permissions))
    found = seen_of({"kind": kind, "said": "what it says"}, person)
    return None if found is None else dict(found)


def test_every_kind_of_leaf_needs_a_permission() -> None:
    assert set(TOLD) == set(get_args(Kind))
    for kind in (*get_args(Kind), "new"):
        assert seen(kind) is None
    assert seen("secret", Permission.AUDIT_LOG_READ) == {"kind": "secret", "said": "what it says"}
    assert seen("secret", Permission.TOOLS_SECRET_READ) == {"kind": "secret"}
    assert seen("identity", Permission.IDENTITY_AGENT_READ) == {"kind": "identity"}
    assert seen("intent", Permission.AUDIT_LOG_READ) is None


def test_who_asks_for_topics_is_told_of_those_alone_and_misses_none(office: Desk) -> None:
    aldo, start = office.person("aldo"), size(office)
    office.act("look", n=1)
    held = office.held()
    office.act("look", n=2)
    asked = f"/api/events?after={start - 1}&topics=approvals&topics=changes"
    ((index, kind, leaf),) = read(aldo, 1, asked)
    assert (kind, leaf["action"]) == ("hold", held) and leaf["topics"] == ["actions", "approvals"]
    bea = office.person("bea")
    shown = bea.get(f"/api/approvals/{held}").json["shown"]
    bea.post(f"/api/approvals/{held}/decision", {"verdict": "reject", "shown": shown, "reason": "no"})
    ((later, kind, leaf),) = read(aldo, 1, "/api/events?topics=approvals", Last_Event_ID=str(index))
    assert later > index and (kind, leaf["event"]) == ("approval", "reject")
    assert aldo.get("/api/events?topics=everything").code == "request.invalid"


def test_a_run_that_needs_somebody_is_an_exception_too() -> None:
    assert topics_of({"kind": "run", "event": "exception"}) == ("runs", "exceptions")
    assert topics_of({"kind": "run", "event": "started"}) == ("runs",)
    assert topics_of({"kind": "new"}) == ("other",)


def test_where_too_many_listen_the_refusal_says_so_and_who_has_gone_makes_room(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_LISTENERS", 1)
    aldo = office.person("aldo")
    with aldo.stream("/api/events") as stream:
        assert stream.status == 200
        refused = aldo.get("/api/events")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "events.busy", "30")
        assert office.stranger.get("/api/events").code == "session.missing"  # who may not listen learns no more
    eventually(lambda: is_let_in(aldo), "room for another")
    for _ in range(2):
        eventually(lambda: aldo.get("/api/events", Last_Event_ID="x").code == "events.last_id", "room for a mistake")


def is_let_in(person: Client) -> bool:
    with person.stream("/api/events") as stream:
        return stream.status == 200


def test_where_the_store_does_not_answer_the_stream_is_refused(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_connection: object) -> None:
        raise Unavailable("the store does not answer", code="store.unavailable")

    monkeypatch.setattr(feed, "read_head", silent)
    answer = office.person("aldo").get("/api/events")
    assert (answer.status, answer.code) == (503, "store.unavailable")


@pytest.mark.parametrize("how", ["gone", "cancelled", "broken"])
@pytest.mark.parametrize("during", ["http.response.start", "http.response.body"])
async def test_however_a_stream_ends_nobody_listens_after_it(
    office: Desk, monkeypatch: pytest.MonkeyPatch, during: str, how: str
) -> None:
    monkeypatch.setattr(feed, "MAX_LISTENERS", 1)
    app, reached = Server(office.system), asyncio.Event()
    coming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop()
        await reached.wait()
        return {"type": "http.disconnect"} if how == "gone" else await asyncio.Future()

    async def send(message: Any) -> None:
        if message["type"] == during:
            reached.set()
            await cut_off()

    async def cut_off() -> None:
        if how == "broken":
            raise OSError("the connection broke")
        await asyncio.Future()

    stream = asyncio.create_task(app(asked(office.person("aldo")), receive, send))
    await reached.wait()
    if how == "cancelled":
        stream.cancel()
    with suppress(asyncio.CancelledError, OSError):
        await stream
    async with app.feed as free:
        assert not free.closed


def asked(person: Client) -> dict[str, Any]:
    """What the server is told of a request for the stream."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/events",
        "raw_path": b"/api/events",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {person.token}".encode())],
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 80),
    }
