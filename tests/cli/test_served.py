"""Commands as people and agents use them against a running server."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autonomy.sdk import Client
from demo.processes import free_port

from .shell import PASSWORD, Company, autonomy, company, read_until, running, shell

SignIn = Callable[[str], Client]

LISTINGS = (
    ("get",),
    ("changes",),
    ("agents",),
    ("delegations",),
    ("people",),
    ("access", "review"),
    ("actions",),
    ("approvals",),
    ("containments",),
    ("budgets",),
    ("policy", "list"),
    ("tools",),
    ("memory", "list"),
    ("decision", "list"),
    ("secret", "list"),
)


@pytest.fixture
def held(as_agent: Company) -> Iterator[str]:
    """A payment that waits for the finance manager; withdrawn from the books afterwards."""
    with sqlite3.connect(as_agent.data / "business.sqlite") as connection:
        connection.execute("UPDATE invoice SET status = 'approved' WHERE id = 'inv-1'")
        connection.execute("DELETE FROM payment")
    case = f"case-{os.urandom(4).hex()}"
    said = autonomy("act", "payment.release", "invoice_id=inv-1", "amount=1200.00", "--case", case, "--json")
    assert said.json["status"] == "held", said
    yield str(said.json["action"])
    autonomy("login", "felix", input=f"{PASSWORD}\n")
    autonomy("approvals", "decide", said.json["action"], "--reject", "--reason", "the test is over")


def test_nobody_is_signed_in_before_they_sign_in(served: Company) -> None:
    said = autonomy("agents", "--url", served.url)
    assert (said.code, said.error) == (1, "session.missing")
    assert f"autonomy login --url {served.url}" in said.err


def test_a_server_that_does_not_answer_ends_with_3() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    said = autonomy("login", "ada", "--url", url, input=f"{PASSWORD}\n")
    assert (said.code, said.error) == (3, "server.unreachable")
    assert PASSWORD not in said.out + said.err


def test_a_wrong_password_is_refused_and_nothing_is_kept(served: Company, tmp_path: Path) -> None:
    said = autonomy("login", "ada", "--url", served.url, input="guess\n")
    assert (said.code, said.error) == (1, "sign_in.failed")
    assert not (tmp_path / "config").exists()


def test_a_session_is_kept_for_its_owner_alone_and_ends_with_logout(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    kept = tmp_path / "config" / "sessions.json"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    token = next(iter(json.loads(kept.read_text())["sessions"].values()))["token"]
    assert autonomy("whoami", "--json").json["name"] == "ada"
    assert autonomy("logout").code == 0
    assert token not in kept.read_text()
    os.environ["AUTONOMY_TOKEN"] = token
    try:
        assert autonomy("whoami").error == "session.invalid"
    finally:
        del os.environ["AUTONOMY_TOKEN"]


def test_sessions_that_others_can_read_are_not_used(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    (tmp_path / "config" / "sessions.json").chmod(0o640)
    assert autonomy("whoami").error == "file.exposed"


def test_damaged_sessions_are_said_to_be_damaged(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    (tmp_path / "config" / "sessions.json").write_text("{}")
    assert autonomy("whoami").error == "session.file"


def test_a_link_that_is_none_is_never_repeated() -> None:
    said = autonomy("login", "--link-file", "-", input="http://host/invitation/aosi_secret\n")
    assert said.code == 2
    assert "aosi_secret" not in said.err


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_every_listing_reads_well_and_speaks_json(words: tuple[str, ...], sign_in: SignIn) -> None:
    sign_in("ada")
    shown = autonomy(*words)
    assert shown.code == 0, shown.err
    assert shown.out.strip()
    assert "\x1b" not in shown.out, "no colours where nobody looks"
    assert [line for line in shown.out.splitlines() if line != line.rstrip()] == []
    assert isinstance(autonomy(*words, "--json").json, list)


def test_a_viewer_is_refused_what_they_may_not(sign_in: SignIn) -> None:
    sign_in("aldo")
    said = autonomy("contain", "agent", "buyer-1", "--reason", "r")
    assert (said.code, said.error) == (1, "permission.missing")


def test_an_agent_is_refused_by_rule_and_told_how_to_ask_why(as_agent: Company, sign_in: SignIn) -> None:
    said = autonomy("act", "invoice.approve", "invoice_id=inv-2", "version=1")
    assert said.code == 1
    assert "invoice-matches-order" in said.out
    explained = said.out.splitlines()[-1].strip("`").partition("`")[0].split()
    sign_in("felix")
    why = autonomy(*explained[1:])
    assert why.code == 0
    assert "the invoice is above its order" in why.out


def test_a_tool_that_is_not_the_agents_looks_like_none(as_agent: Company) -> None:
    unseen = autonomy("act", "stock.list_low")
    unknown = autonomy("act", "stock.nothing_l")
    assert (unseen.code, unseen.error) == (1, "tool.unknown")
    assert unseen.err == unknown.err.replace("stock.nothing_l", "stock.list_low")


def test_a_dry_run_tells_what_would_be_needed_and_leaves_nothing(as_agent: Company, sign_in: SignIn) -> None:
    with sqlite3.connect(as_agent.data / "business.sqlite") as connection:
        connection.execute("UPDATE invoice SET status = 'approved' WHERE id = 'inv-1'")
    client = sign_in("ada")
    before = [one["id"] for one in client.actions()]
    said = autonomy("act", "payment.release", "--json-args", '{"invoice_id":"inv-1","amount":"1200.00"}', "--dry-run")
    assert said.code == 0
    assert "finance-manager" in said.out
    assert [one["id"] for one in client.actions()] == before


def test_an_agents_key_is_never_shown(as_agent: Company) -> None:
    ran = [
        autonomy("act", "invoice.get", "invoice_id=inv-1"),
        autonomy("act", "invoice.get", "invoice_id=inv-1", "--json"),
        autonomy("act", "nothing"),
    ]
    assert not [one for one in ran if as_agent.key in one.out + one.err]


def test_a_key_file_that_others_can_read_is_refused(as_agent: Company, tmp_path: Path) -> None:
    (tmp_path / "agent.key").write_text(as_agent.key)
    (tmp_path / "agent.key").chmod(0o644)
    assert autonomy("act", "invoice.list_open", "--key-file", "agent.key").error == "file.exposed"


def test_an_agent_without_a_credential_is_told_where_to_get_one(served: Company) -> None:
    said = autonomy("act", "invoice.list_open", "--url", served.url)
    assert (said.code, said.error) == (1, "agent.no_credential")


def test_an_agent_may_use_a_client_secret(served: Company, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in("ada")
    issued = autonomy("agent", "credential", "payables-1", "--kind", "client_secret", "--json").json
    monkeypatch.setenv("AUTONOMY_CLIENT_ID", issued["id"])
    monkeypatch.setenv("AUTONOMY_CLIENT_SECRET", issued["secret"])
    assert autonomy("act", "invoice.get", "invoice_id=inv-1", "--json").json["status"] == "done"
    assert autonomy("agent", "revoke", issued["id"], "--reason", "over").code == 0
    assert autonomy("act", "invoice.get", "invoice_id=inv-1").code == 1


def test_a_credential_can_go_to_a_file_without_being_shown(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    said = autonomy("agent", "credential", "buyer-2", "--out", "buyer-2.key")
    secret = (tmp_path / "buyer-2.key").read_text().strip()
    assert secret and secret not in said.out + said.err
    assert (tmp_path / "buyer-2.key").stat().st_mode & 0o777 == 0o600


def test_a_person_sees_the_consequence_first_and_decides_what_they_saw(held: str, sign_in: SignIn) -> None:
    sign_in("felix")
    listed = autonomy("approvals", "--mine")
    assert held in listed.out
    assert "1,200.00 EUR" in listed.out
    shown = autonomy("approvals", "show", held).out
    assert shown.splitlines()[0].endswith("this is 1,200.00 EUR")
    assert '{"amount":"1200.00","invoice_id":"inv-1"}' in shown
    assert 'context.approvals.contains("finance-manager")' in shown
    told = autonomy("approvals", "decide", held, "--reject", "--reason", "not yet", "--json")
    assert (told.code, told.json["state"]) == (0, "rejected")
    assert told.json["shown"] in shown
    assert autonomy("approvals").out == "nothing waits\n"


def test_who_may_not_decide_is_refused(held: str, sign_in: SignIn) -> None:
    sign_in("priya")
    assert autonomy("approvals", "decide", "--approve").error == "approvals.none"
    assert autonomy("approvals", "decide", held, "--approve").code == 1
    sign_in("ada")
    assert autonomy("approvals", "decide", held, "--approve").error == "permission.missing"


def test_an_agent_waits_for_people_and_hears_what_they_said(
    as_agent: Company, held: str, sign_in: SignIn, tmp_path: Path
) -> None:
    client = sign_in("felix")
    case = client.approval(held)["case"]
    with running(
        f"autonomy act payment.release invoice_id=inv-1 amount=1200.00 --case {case} --wait 30s",
        tmp_path,
        AUTONOMY_AGENT_KEY=as_agent.key,
        AUTONOMY_URL=as_agent.url,
    ) as waiting:
        client.decide(held, "approve", client.approval(held)["shown"])
        told = read_until(waiting, "result")
        waiting.wait(30)
    assert told[0].split() == ["status", "done"]
    assert held in told[1], "the same call waits on the same handle"


def test_containment_stops_the_next_call_and_is_lifted_by_name(as_agent: Company, sign_in: SignIn) -> None:
    sign_in("felix")
    for scope in (("agent", "payables-1"), ("unit", "finance"), ("tool", "invoice.get"), ("everything",)):
        assert autonomy("contain", *scope, "--reason", "a drill").code == 0
        assert autonomy("act", "invoice.get", "invoice_id=inv-1").code == 1
        assert autonomy("reinstate", *scope, "--reason", "over").code == 0
        assert autonomy("act", "invoice.get", "invoice_id=inv-1").code == 0
    assert autonomy("containments").out == "nothing is contained\n"
    assert autonomy("reinstate", "unit", "finance", "--reason", "again").error == "containment.unknown"


def test_a_folder_goes_round_by_plan_apply_pull(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("pull", "org")
    path = tmp_path / "org" / "agents" / "buyer-2.yaml"
    path.write_text(path.read_text().replace("ratePerMinute: 120", "ratePerMinute: 90"))
    planned = autonomy("plan", "org")
    assert "~ Agent buyer-2" in planned.out
    assert "spec.ratePerMinute: 120 -> 90" in planned.out
    assert autonomy("apply", "org", "--message", "slower").code == 0
    assert autonomy("plan", "org", "--json").json["empty"] is True
    assert autonomy("apply", "org").out == "nothing differs; nothing was changed\n"
    epoch = autonomy("changes", "--json").json[0]["epoch"]
    assert autonomy("rollback", str(epoch - 1)).code == 0
    assert autonomy("plan", "org").code == 1, "the rollback was not seen in this folder yet"
    assert autonomy("pull", "org").code == 0
    assert "ratePerMinute: 120" in path.read_text()


def test_what_somebody_else_changed_is_a_conflict_until_it_was_looked_at(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    for name in ("mine", "theirs"):
        autonomy("pull", name)
    change_rate(tmp_path / "theirs", "ratePerMinute: 80")
    assert autonomy("apply", "theirs").code == 0
    change_rate(tmp_path / "mine", "ratePerMinute: 70")
    assert autonomy("plan", "mine").code == 1
    refused = autonomy("apply", "mine")
    assert (refused.code, refused.error) == (1, "catalog.conflict")
    assert autonomy("pull", "mine", "--note-only").code == 0
    assert autonomy("apply", "mine").code == 0
    change_rate(tmp_path / "mine", "ratePerMinute: 120")
    autonomy("apply", "mine")


def change_rate(folder: Path, line: str) -> None:
    path = folder / "agents" / "buyer-2.yaml"
    kept = [one for one in path.read_text().splitlines() if "ratePerMinute" not in one]
    path.write_text("\n".join([*kept, f"  {line}", ""]))


def test_pull_undoes_nothing_that_was_not_applied(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    org = tmp_path / "org"
    autonomy("pull", "org")
    new, agents = org / "units" / "annex.yaml", org / "agents"
    edited, commented = agents / "buyer-2.yaml", agents / "buyer-1.yaml"
    new.write_text((org / "units" / "finance.yaml").read_text().replace("finance", "annex"))
    commented.write_text(f"# why he may\n{commented.read_text()}")
    pulled = autonomy("pull", "org", "--json").json
    assert new.is_file() and pulled["removed"] == []
    assert commented.read_text().startswith("# why he may") and "agents/buyer-1.yaml" not in pulled["written"]
    change_rate(org, "ratePerMinute: 66")
    refused = autonomy("pull", "org")
    assert (refused.code, refused.error) == (1, "folder.unapplied")
    assert "`agents/buyer-2.yaml`" in refused.err and "66" in edited.read_text()
    assert autonomy("pull", "org", "--force").code == 0
    assert "ratePerMinute: 66" not in edited.read_text() and new.is_file()


def test_pull_removes_what_the_server_has_no_longer_unless_it_was_edited(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("pull", "mine")
    unit = tmp_path / "mine" / "units" / "annex.yaml"
    unit.write_text((tmp_path / "mine" / "units" / "finance.yaml").read_text().replace("finance", "annex"))
    assert autonomy("apply", "mine").code == 0
    autonomy("pull", "theirs")
    (tmp_path / "theirs" / "units" / "annex.yaml").unlink()
    assert autonomy("apply", "theirs", "--retire", "--yes").code == 0
    said = unit.read_text()
    unit.write_text(re.sub("(?m)^  description:.*$", "  description: half a day of work", said))
    assert autonomy("pull", "mine").error == "folder.unapplied"
    unit.write_text(said)
    assert autonomy("pull", "mine", "--json").json["removed"] == ["units/annex.yaml"]
    assert not unit.exists()


def test_pull_leaves_people_as_they_are_for_who_may_not_read_them(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("pull", "org")
    people = sorted((tmp_path / "org" / "people").iterdir())
    sign_in("hanna")
    assert autonomy("pull", "org", "--json").json["removed"] == []
    assert sorted((tmp_path / "org" / "people").iterdir()) == people
    sign_in("ada")
    person = tmp_path / "org" / "people" / "aldo.yaml"
    person.write_text(person.read_text().replace("Aldo Ferri", "Aldo Ferro"))
    planned = autonomy("plan", "org", "--json")
    assert (planned.code, planned.json["conflicts"]) == (0, []), "the folder still knows what it last agreed on"


def test_pull_does_not_make_one_scope_give_way_to_another(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("pull", "org")
    before = sorted((tmp_path / "org").rglob("*"))
    for more in ((), ("--note-only",), ("--force",)):
        assert autonomy("pull", "org", "--scope", "elsewhere", *more).error == "folder.scope"
    assert sorted((tmp_path / "org").rglob("*")) == before


@pytest.mark.parametrize("out", ["f/key", "."])
def test_nothing_is_issued_where_its_secret_could_not_be_kept(sign_in: SignIn, tmp_path: Path, out: str) -> None:
    sign_in("ada")
    (tmp_path / "f").write_text("")
    before = autonomy("agent", "show", "buyer-2", "--json").json["credentials"]
    assert autonomy("agent", "credential", "buyer-2", "--out", out).error == "file.unwritable"
    assert autonomy("agent", "show", "buyer-2", "--json").json["credentials"] == before


def test_pull_does_not_destroy_how_a_person_arranged_a_folder(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("init", "org")
    before = (tmp_path / "org" / "agents.yaml").read_text()
    assert autonomy("pull", "org").error == "folder.arranged"
    assert (tmp_path / "org" / "agents.yaml").read_text() == before
    assert not (tmp_path / "org" / "agents").exists()


def test_secrets_come_from_standard_input_and_are_shown_nowhere(sign_in: SignIn) -> None:
    client = sign_in("ada")
    canary = f"canary-{os.urandom(6).hex()}"
    ran = [autonomy("secret", "set", "erp", input=f"{canary}\n"), autonomy("secret", "list"), autonomy("audit", "tail")]
    assert [one.code for one in ran] == [0, 0, 0]
    assert not [one for one in ran if canary in one.out + one.err]
    assert canary not in json.dumps(list(client.leaves()))


def test_policy_is_asked_about_what_might_be(sign_in: SignIn) -> None:
    sign_in("felix")
    arguments = ("--agent", "payables-1", "--tool", "payment.release", "invoice_id=inv-1", "amount=1200.00")
    facts = ("--cost", "120000", "--fact", "invoice_status=approved", "--fact", "invoice_amount=120000")
    held = autonomy("policy", "why", *arguments, *facts, "--json").json
    assert (held["verdict"]["effect"], held["verdict"]["roles"]) == ("hold", ["finance-manager"])
    approved = autonomy("policy", "why", *arguments, *facts, "--approval", "finance-manager", "--json").json
    assert approved["verdict"]["effect"] == "allow"
    denied = autonomy("policy", "why", *arguments)
    assert "payment-of-approved-invoice" in denied.out


def test_the_log_is_read_exported_and_verified(as_agent: Company, sign_in: SignIn, tmp_path: Path) -> None:
    autonomy("act", "invoice.approve", "invoice_id=inv-2", "version=1")
    sign_in("ada")
    assert [
        json.loads(line)["leaf"]["kind"] for line in autonomy("audit", "tail", "-n", "1", "--json").out.splitlines()
    ]
    denials = autonomy("audit", "tail", "--kind", "denial", "-n", "1", "--json").out.splitlines()
    assert json.loads(denials[0])["leaf"]["kind"] == "denial"
    (tmp_path / "log.key").write_text(autonomy("audit", "key").out)
    assert autonomy("audit", "export", "log.jsonl").code == 0
    witness = str(as_agent.data / "witness")
    report = autonomy("audit", "verify", "log.jsonl", "--witness", witness, "--key", "log.key", "--json")
    assert (report.code, report.json["key"], report.json["witness"]) == (0, "given", "matched")
    assert autonomy("audit", "export", "log.html", "--html").code == 0
    assert (tmp_path / "log.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("harm", ["change", "remove", "swap", "cut"])
def test_a_log_that_was_touched_is_found_and_ends_with_1(harm: str, sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    autonomy("audit", "export", "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True)
    touched: dict[str, list[Any]] = {
        "change": [lines[0], lines[1].replace(b"system", b"person"), *lines[2:]],
        "remove": [lines[0], *lines[2:]],
        "swap": [lines[0], lines[2], lines[1], *lines[3:]],
        "cut": lines[:-2],
    }
    (tmp_path / "log.jsonl").write_bytes(b"".join(touched[harm]))
    said = autonomy("audit", "verify", "log.jsonl")
    assert said.code == 1
    assert "NOT whole" in said.out


def test_an_export_by_who_may_not_leaves_no_file(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("felix")
    assert autonomy("audit", "export", "log.jsonl").error == "permission.missing"
    assert list(tmp_path.glob("*log*")) == []


def test_verify_says_what_it_cannot_find() -> None:
    assert autonomy("audit", "verify", "nothing.jsonl").error == "file.unknown"
    Path("log.jsonl").write_text("{}")
    assert autonomy("audit", "verify", "log.jsonl", "--witness", "nowhere").error == "file.unknown"
    assert autonomy("audit", "verify", "log.jsonl", "--key", "nonsense").error == "note.key"
    assert autonomy("audit", "verify", "log.jsonl").code == 1


def test_a_second_server_on_the_same_address_is_told_so_in_a_line(served: Company, tmp_path: Path) -> None:
    port = served.url.rpartition(":")[2]
    said = autonomy("serve", "--port", port, "--data", str(tmp_path / "other"))
    assert (said.code, said.error) == (1, "server.address")


def test_a_doctor_finds_the_server_ready(served: Company) -> None:
    said = autonomy("doctor", "--data", str(served.data), "--url", served.url, "--json")
    found = {one["name"]: one["state"] for one in said.json["checks"]}
    assert (said.code, found["server"], found["log"]) == (0, "ok", "ok")


def test_a_scope_in_which_nothing_is_declared_is_not_pulled(sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("ada")
    assert autonomy("pull", "org", "--scope", "comapny").error == "scope.empty"
    assert not (tmp_path / "org").exists()


def test_up_runs_on_postgresql_as_it_does_on_sqlite(postgres_url: str, tmp_path: Path) -> None:
    with company(tmp_path, f"--database {postgres_url}") as found:
        asks = shell(found.lines[0], tmp_path)
        assert (asks.code, "held" in asks.out) == (0, True), asks
        assert autonomy("doctor", "--database", postgres_url, "--url", found.url).code == 0
        assert not (found.data / "autonomy.sqlite").exists()
