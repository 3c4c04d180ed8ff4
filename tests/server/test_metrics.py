"""What Prometheus reads: every face by its routes, the door, the store; for those who may; no stranger's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autonomy.identity import ROLES, Permission
from autonomy.kernel.errors import Invalid
from autonomy.server.metrics import check_token, place_of
from tests.server.desk import BY_ACCESS, Client, Desk, desk

TOKEN = "0123456789abcdef0123456789abcdef"
LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+)')

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Figures:
    """Every sample by its name and labels; fails on a line that is none."""
    found: Figures = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match, line
        labels = frozenset(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        assert (match[1], labels) not in found, line
        found[match[1], labels] = float(match[3])
    return found


def scraped(it: Desk) -> Figures:
    answer = Client(it.pool, TOKEN).get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.body.decode())


def value(figures: Figures, name: str, **labels: str) -> float:
    return figures.get((name, frozenset(labels.items())), 0.0)


@contextmanager
def watched(folder: Path, database: str = "") -> Iterator[Desk]:
    with desk(folder, database, metrics_token=TOKEN) as found:
        yield found


def test_each_face_is_counted_by_route_and_status_never_by_what_was_sent(tmp_path: Path, database_url: str) -> None:
    with watched(tmp_path, database_url) as it:
        it.act("look", n=1)
        action = it.act("press", n=2)["action"]
        it.agent().get(f"/v1/actions/{action}")
        it.stranger.post("/v1/actions", {"tool": "look"})
        it.stranger.get("/v1/secret-of-mine")
        it.stranger.get("/wp-admin/secret-of-mine")
        it.person("aldo").get(f"/api/actions/{action}")
        it.stranger.get("/healthz")
        it.stranger.get("/.well-known/jwks.json")
        for method in ("tools/list", "secret-of-mine"):
            it.agent().post(
                "/mcp",
                {"jsonrpc": "2.0", "id": 1, "method": method},
                MCP_Protocol_Version="2025-11-25",
                Accept="application/json, text/event-stream",
            )
        figures = scraped(it)
    named = {
        ("rest", "/v1/actions", "POST", "200"): 2,
        ("rest", "/v1/actions", "POST", "401"): 1,
        ("rest", "/v1/actions/{id}", "GET", "200"): 1,
        ("rest", "none", "GET", "404"): 1,
        ("pages", "none", "GET", "404"): 1,
        ("pages", "/healthz", "GET", "200"): 1,
        ("api", "/api/actions/{action}", "GET", "200"): 1,
        ("oauth", "/.well-known/jwks.json", "GET", "200"): 1,
        ("mcp", "/mcp tools/list", "POST", "200"): 1,
        # The old era answers 200 to what was refused; the figure tells what became of it.
        ("mcp", "/mcp", "POST", "404"): 1,
    }
    for (face, route, method, status), count in named.items():
        assert value(figures, "autonomy_requests_total", face=face, route=route, method=method, status=status) == count
    assert value(figures, "autonomy_request_seconds_count", face="rest", route="/v1/actions") == 3
    assert value(figures, "autonomy_requests_in_flight", face="pages") == 1, "the scrape itself"
    assert not any("secret-of-mine" in text for _, labels in figures for label in labels for text in label)


def test_the_door_tells_its_decisions_refusals_and_the_time_of_each_step(tmp_path: Path, database_url: str) -> None:
    with watched(tmp_path, database_url) as it:
        it.act("look", n=1)  # the first one is decided twice: its agent's key has just moved the epoch
        before = scraped(it)
        it.act("look", n=1)
        it.held()
        it.act("pay", payee="acme", amount="1000000.00")
        it.act("nothing-like-it")
        Client(it.pool, "aos_wrong_wrong").post("/v1/actions", {"tool": "look", "arguments": {"n": 1}})
        after = scraped(it)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("autonomy_decisions_total", effect="allow") == 1
    assert more("autonomy_decisions_total", effect="deny") >= 1
    assert more("autonomy_actions_total", status="held") == 1
    assert more("autonomy_actions_total", status="done") == 1
    assert more("autonomy_actions_total", status="denied") == 2
    assert more("autonomy_actions_total", status="error") == 1
    for code in ("policy.denied", "tool.unknown", "credential.invalid"):
        assert more("autonomy_refusals_total", code=code) == 1
    assert more("autonomy_admission_refusals_total", code="credential.invalid") == 1
    for step, count in (("admit", 5), ("intent", 1), ("effect", 1), ("outcome", 1)):
        assert more("autonomy_step_seconds_count", step=step) == count, step
        assert more("autonomy_step_seconds_bucket", step=step, le="+Inf") == count, step


def test_the_store_the_log_and_the_life_of_the_process_are_told(tmp_path: Path, database_url: str) -> None:
    with watched(tmp_path, database_url) as it:
        it.held()
        it.plant.behaves["shout"] = lost
        assert it.act("shout", n=1)["status"] == "unknown"
        figures = scraped(it)
        with it.system.database.reading() as connection:
            size = connection.exec_driver_sql("SELECT size FROM log_head").scalar_one()
    assert value(figures, "autonomy_holds", state="waiting") == 1
    assert value(figures, "autonomy_actions_open", state="unknown") == 1
    assert value(figures, "autonomy_log_leaves") == size
    assert value(figures, "autonomy_store_up") == value(figures, "autonomy_ready") == 1
    assert value(figures, "autonomy_epoch", of="catalog") == value(figures, "autonomy_epoch_seen", of="catalog") == 1
    assert value(figures, "autonomy_connector_failures", connector="plant") == 1
    assert value(figures, "autonomy_store_group_seconds_count") > 1
    assert value(figures, "autonomy_beat_age_seconds") < 60
    for lag in ("autonomy_search_lag", "autonomy_figures_lag"):
        assert 0 <= figures[f"{lag}_leaves", frozenset()] <= size
        assert 0 <= figures[f"{lag}_seconds", frozenset()] < 60
    assert value(figures, "process_resident_memory_bytes") > 1e7
    assert value(figures, "process_open_fds") > 3


def test_a_store_that_is_gone_is_told_and_the_rest_is_still_told(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.system.database.path.with_suffix(".sqlite").rename(tmp_path / "moved")
        it.system.database._engine.dispose()
        figures = scraped(it)
        assert value(figures, "autonomy_store_up") == 0
        assert ("autonomy_log_leaves", frozenset()) not in figures
        assert value(figures, "autonomy_step_seconds_count", step="admit") == 0
        (tmp_path / "moved").rename(it.system.database.path)


def test_who_has_the_scrape_token_or_the_permission_reads_the_figures_and_nobody_else(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        assert it.stranger.get("/metrics").status == 401
        assert Client(it.pool, TOKEN[:-1] + "0").get("/metrics").status == 401
        assert it.agent().get("/metrics").status == 401
        assert Client(it.pool, TOKEN).get("/api/me").status == 401, "it opens nothing else"
        for access in sorted(ROLES):
            expected = 200 if Permission.TELEMETRY_METRICS_READ in ROLES[access] else 403
            assert it.person(BY_ACCESS[access]).get("/metrics").status == expected, access
    with desk(tmp_path) as it:
        assert it.stranger.get("/metrics", Authorization="Bearer ").status == 401, "no token is not the empty token"


def test_a_listener_of_its_own_answers_only_for_figures(tmp_path: Path) -> None:
    from autonomy.server import bind

    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with desk(tmp_path, metrics=str(port)) as it, it.beside(port) as pool:
        assert read(Client(pool).get("/metrics").body.decode())
        assert Client(pool).get("/readyz").status == 404
        assert Client(pool).post("/metrics").status == 404
    with desk(tmp_path, metrics=str(port), metrics_token=TOKEN) as it, it.beside(port) as pool:
        assert Client(pool).get("/metrics").status == 401
        assert Client(pool, TOKEN).get("/metrics").status == 200


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "[::]:9464", "metrics.example:9464", "9464x", "", ":", "99999"])
def test_a_listener_that_others_reach_needs_a_token(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        place_of(address, "")
    assert refused.value.code == "metrics.address"


def test_addresses_and_tokens_are_read_as_people_write_them() -> None:
    assert place_of("9464", "") == ("127.0.0.1", 9464)
    assert place_of("[::1]:9464", "") == ("::1", 9464)
    assert place_of("0.0.0.0:9464", TOKEN) == ("0.0.0.0", 9464)
    check_token("")
    check_token(TOKEN)
    with pytest.raises(Invalid) as refused:
        check_token(TOKEN[:31])
    assert refused.value.code == "metrics.token" and TOKEN[:31] not in str(refused.value)


def test_every_answer_has_the_number_by_which_the_log_knows_it(tmp_path: Path) -> None:
    with desk(tmp_path) as it:
        given = it.stranger.get("/healthz", X_Request_Id="order-7.1_x")
        made = it.stranger.get("/healthz", X_Request_Id="no good")
        assert given.headers["X-Request-Id"] == "order-7.1_x"
        assert re.fullmatch(r"req_[0-9a-z]{26}\.[0-9a-f]+", made.headers["X-Request-Id"])


def lost(arguments: object, invocation: object) -> None:
    from autonomy.tools import Unsure

    raise Unsure("nobody knows")
