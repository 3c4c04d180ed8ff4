"""Whatever the help texts and `autonomy up` show to be pasted is pasted here, in the order in which one would."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
from contextlib import chdir
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import urllib3

from autonomy.cli.archive import Archive
from autonomy.kernel.clock import now
from autonomy.tools.signatures import key_of, sign
from demo.processes import free_port

from .shell import PASSWORD, Ran, autonomy, read_until, running, shell
from .test_command import EVERY

EXAMPLE = re.compile(r"^ {2}(autonomy .+)$", re.MULTILINE)
EXAMPLES = {line for command in EVERY.values() for line in EXAMPLE.findall(command.help or "")}

BEFORE = (
    "autonomy init org",
    "autonomy policy check org",
    "autonomy policy test org",
    "autonomy connector new payroll",
    "autonomy decision test org",
)
APPROVER = (
    "autonomy approvals --mine",
    "autonomy approvals show",
    'autonomy approvals decide --approve --reason "agreed with the supplier"',
    "autonomy absent --deputy clara --from 2026-12-24 --until 2027-01-04",
    "autonomy absences",
    "autonomy back",
)
ADMIN = (
    "autonomy whoami",
    "autonomy plan org",
    'autonomy apply org --message "raise the limits of the buyers"',
    "autonomy pull copy-of-org",
    "autonomy get tools",
    "autonomy describe tool payment.release",
    "autonomy changes",
    'autonomy rollback 1 --message "the new limits were too low"',
    "autonomy agents --state active",
    "autonomy agent credential buyer-1 --for 30d --out buyer-1.key",
    "autonomy agent key buyer-1 --jwk buyer-1.jwk",
    "autonomy agent show buyer-1",
    "autonomy delegate buyer-1 buyer-2 --tool stock.get --for 8h",
    "autonomy delegations",
    'autonomy agent revoke buyer-1 --reason "its key was in a mail"',
    'autonomy agent suspend buyer-2 --reason "its sponsor is away"',
    'autonomy agent reinstate buyer-2 --reason "its sponsor is back"',
    'autonomy contain agent buyer-1 --reason "it orders the same part again and again"',
    "autonomy containments --ended",
    'autonomy reinstate agent buyer-1 --reason "the order list is mended"',
    "autonomy actions --state held --since 24h",
    'autonomy actions "lens supplier" --unit operations',
    "autonomy budgets",
    "autonomy budget show operations-month",
    "autonomy budget forecast",
    "autonomy metrics",
    "autonomy metrics store",
    "autonomy policy list",
    "autonomy policy why --agent payables-1 --tool invoice.approve invoice_id=inv-1 version=1 --fact invoice_amount=99",
    "autonomy tools",
    "autonomy tool show payment.release",
    "autonomy tool accept payment.release",
    "autonomy decision list",
    "autonomy decision try reorder days_left=3 critical=true",
    "autonomy memory list",
    "autonomy memory search late payment",
    "autonomy secret set erp-password",
    "autonomy secret rotate erp-password",
    "autonomy secret list",
    "autonomy site issue factory --out factory.key",
    "autonomy site keys",
    "autonomy deliveries",
    "autonomy secret audit --agent buyer-1",
    "autonomy people",
    "autonomy person invite rosa --out rosa.link",
    "autonomy service-key issue gateway --for authzen --out gateway.key",
    "autonomy service-key list",
    "autonomy access review",
    "autonomy insight kpis --by agent --since 7d",
    "autonomy insight compare buyer-1 buyer-2",
    "autonomy insight formulas",
    "autonomy insight scorecard buyer-1",
    "autonomy insight recompute",
    "autonomy audit tail --kind denial",
    "autonomy audit sample --by tool --named order.place --count 10",
    "autonomy audit show 0",
    "autonomy audit key",
    "autonomy audit export log.jsonl",
    "autonomy audit verify log.jsonl --witness autonomy-data/witness",
    'autonomy audit erase sup-1 --reason "erasure request 2031-4"',
    'autonomy agent retire buyer-2 --reason "replaced by buyer-1"',
    'autonomy person offboard nadia --reason "left the company"',
    "autonomy backup autonomy.backup",
    "autonomy doctor",
    "autonomy logout",
)
NAMED = (
    "autonomy site revoke stk_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy label act_01jd8m3y6p2k7q4r9t5v8x0z1b right",
    "autonomy delivery show dlv_01jd8m3y6p2k7q4r9t5v8x0z1b",
)
"""With an id, which is another one each time."""

RUNS = (
    """autonomy workflow run reorder --input '{"sku": "sku-2", "cost_center": "cc-optics"}'""",
    "autonomy workflow list --status running",
    "autonomy workflow exceptions --mine",
    "autonomy workflow migrate reorder --dry-run",
    "autonomy workflow show run_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy workflow graph run_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy workflow pause run_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy workflow resume run_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy workflow priority run_01jd8m3y6p2k7q4r9t5v8x0z1b urgent",
    """autonomy workflow signal goods.arrived --key po-17 --data '{"pieces": 40}'""",
    "autonomy workflow retry run_01jd8m3y6p2k7q4r9t5v8x0z1b:contracts:1:contract.exception",
    "autonomy workflow choose run_01jd8m3y6p2k7q4r9t5v8x0z1b:contracts:1:contract.exception skip",
    "autonomy workflow cancel run_01jd8m3y6p2k7q4r9t5v8x0z1b --compensate",
)
"""Of one run, in this order: `sku-2` has no contract, so that it waits for a person."""

TASKS = (
    "autonomy tasks open buyer 'Find three suppliers of lenses' --by agent",
    "autonomy tasks list",
    "autonomy tasks show task_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy tasks take task_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy tasks note task_01jd8m3y6p2k7q4r9t5v8x0z1b --note 'the second offer is void'",
    "autonomy tasks give-back task_01jd8m3y6p2k7q4r9t5v8x0z1b --note 'take the first offer'",
    "autonomy tasks hand-off task_01jd8m3y6p2k7q4r9t5v8x0z1b --agent buyer-1 --note 'ask sup-2 as well'",
    "autonomy tasks escalate task_01jd8m3y6p2k7q4r9t5v8x0z1b --reason 'both offers are above my limit'",
    """autonomy tasks complete task_01jd8m3y6p2k7q4r9t5v8x0z1b --output '{"supplier": "sup-1"}'""",
    "autonomy tasks withdraw task_01jd8m3y6p2k7q4r9t5v8x0z1b",
)
"""Of one task, in this order; it is taken before each word about it that only its holder may say. Then of another."""

GOALS = (
    "autonomy goal 'Keep a month of lenses in stock' --role buyer --spend '500.00 EUR'",
    "autonomy goal list",
    "autonomy goal show run_01jd8m3y6p2k7q4r9t5v8x0z1b",
    "autonomy goal cancel run_01jd8m3y6p2k7q4r9t5v8x0z1b --reason 'nobody needs lenses any more'",
)
"""Of one goal, in this order."""

INCIDENTS = (
    'autonomy incident open agent buyer-1 --title "it orders the same part again and again"',
    "autonomy incident list --state open",
    "autonomy incident show inc_01jd8m3y6p2k7q4r9t5v8x0z1b",
    'autonomy incident contain inc_01jd8m3y6p2k7q4r9t5v8x0z1b --reason "until we know more"',
    'autonomy incident note inc_01jd8m3y6p2k7q4r9t5v8x0z1b "the supplier has seen both orders"',
    "autonomy incident assign inc_01jd8m3y6p2k7q4r9t5v8x0z1b ada",
    'autonomy incident follow-up inc_01jd8m3y6p2k7q4r9t5v8x0z1b "limit orders of a part to one a day" --owner ada',
    "autonomy incident done inc_01jd8m3y6p2k7q4r9t5v8x0z1b fol_01jd8m3y6p2k7q4r9t5v8x0z1b",
    'autonomy incident reinstate inc_01jd8m3y6p2k7q4r9t5v8x0z1b --reason "the order list is mended"',
    'autonomy incident close inc_01jd8m3y6p2k7q4r9t5v8x0z1b --cause data --text "the stock list was a day old"',
)
"""Of one incident, in this order."""

HISTORY = (
    "autonomy case show payables-1/2026-12-24",
    """autonomy audit could --tool supplier.get --arguments '{"supplier_id": "sup-1"}' --at 2026-12-24""",
)
"""Of today: there is no other day yet."""

HOOK = """
apiVersion: autonomy/v1
kind: Hook
metadata: { name: shop }
spec: { credential: erp-password }
"""
AGENT = ("autonomy act invoice.list_open --key-file autonomy-data/trial/payables-1.key",)
RESTORE = "autonomy restore autonomy.backup --data restored --witness autonomy-data/witness"
ALONE = (
    "autonomy login ada",
    RESTORE,
    "autonomy up",
    "autonomy serve",
    "autonomy init org --with tryton --with roundup",
    "autonomy init org --template support",
    "autonomy tool import openapi crm.json --operation getOrder --name crm --base-url https://crm.example --into org",
)
CRM = {
    "openapi": "3.1.0",
    "info": {"title": "CRM", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "the order"}},
            }
        }
    },
}
OWNER = (
    "autonomy memory show mem_01jd…",
    'autonomy memory forget purchasing-notes --author buyer-2 --reason "it believed a forged letter"',
)
ELSEWHERE = (
    "autonomy login --sso",
    'autonomy access request stock-watcher buyer --reason "it sees first what is missing"',
    "autonomy work --site factory --url https://autonomy.example",
    "autonomy work --runs",
    'autonomy tool import mcp --name desk --command "desk-server --stdio" --tool get_ticket --into org',
    "autonomy record desk-org --name desk -- desk-server --stdio",
    "autonomy record crm-org --name crm --api https://crm.example/api",
)
"""Each needs a system of its own: `tests/signon/test_real_provider.py`, `tests/sites/test_two_processes.py`,
`tests/workflow/test_processes.py`, `tests/tools/mcp/test_importing.py`, `tests/recording` and
`tests/cli/test_access.py` run them against one."""


EVERY_LINE = (
    BEFORE + APPROVER + RUNS + TASKS + GOALS + INCIDENTS + HISTORY + ADMIN + NAMED + AGENT + ALONE + ELSEWHERE + OWNER
)


def test_every_example_is_pasted_by_the_test_below() -> None:
    assert set(EVERY_LINE) == EXAMPLES


def soon(line: str) -> str:
    """The line with its dates in the present and the coming weeks: nobody declares an absence that is over."""
    days = iter(date.today() + timedelta(weeks=weeks) for weeks in (0, 3))
    return re.sub(r"\d{4}-\d{2}-\d{2}", lambda _: next(days).isoformat(), line)


def paste(line: str) -> Ran:
    """Run a line and see that it ends well: in this process where it is one command, in a shell where it is several."""
    input = f"{PASSWORD}\n"
    ran = shell(line, Path(), input) if "&&" in line else autonomy(*shlex.split(line)[1:], input=input)
    assert ran.code == 0, (line, ran.out, ran.err)
    return ran


def test_everything_that_is_shown_works_as_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = str(free_port())
    monkeypatch.setenv("AUTONOMY_PORT", port)

    with running("autonomy up", tmp_path, AUTONOMY_PORT=port) as server:
        asks, approves, verifies = [line for line in read_until(server, "audit verify") if line.startswith("autonomy ")]
        assert re.search(r"status +held", paste(asks).out)
        assert "is ready" in paste(approves).out
        assert "this log is whole" in paste(verifies).out

        for line in BEFORE + AGENT:
            paste(line)
        (tmp_path / "crm.json").write_text(json.dumps(CRM))
        paste(ALONE[-1])
        (tmp_path / "factory").mkdir()
        with chdir(tmp_path / "factory"):
            paste(ALONE[-3])
        (tmp_path / "desk").mkdir()
        with chdir(tmp_path / "desk"):
            paste(ALONE[-2])
        paste(f"{AGENT[0].replace('invoice.list_open', 'supplier.get')} supplier_id=sup-1")
        release_another(tmp_path)
        paste(asks.replace("inv-1", "inv-2").replace("1200.00", "1900.00"))
        paste(f"autonomy login felix --url http://127.0.0.1:{port}")
        for line in APPROVER:
            paste(soon(line))
        paste("autonomy login ada")
        Path("buyer-1.jwk").write_text(
            '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
        )
        for line in RUNS:
            paste(of_the_run(line))
        do_tasks()
        pursue_a_goal()
        remember_and_forget()
        see_to_an_incident()
        for line in HISTORY:
            paste(of_now(line))
        for line in ADMIN:
            paste(line)
        paste("autonomy login ada")
        for line in NAMED:
            paste(named(line, tmp_path, port))

    shutil.copytree(tmp_path / "autonomy-data" / "witness", tmp_path / "restored" / "witness")
    shutil.copy(tmp_path / "autonomy-data" / "master.key", tmp_path / "restored" / "master.key")
    assert autonomy("restore", "autonomy.backup", "--data", "restored").error == "restore.behind_witness", (
        "what happened after the backup was witnessed"
    )
    shutil.rmtree(tmp_path / "restored" / "witness")
    size = Archive(Path("autonomy.backup")).header.size
    for copy in (tmp_path / "autonomy-data" / "witness").glob("*.note"):
        if int(copy.stem) > size:
            copy.unlink()  # as if nothing had happened since
    assert "the log is whole" in paste(RESTORE).out

    with running("autonomy serve", tmp_path, AUTONOMY_PORT=port) as server:
        assert read_until(server, "ready at")
        paste("autonomy login ada")


def named(line: str, folder: Path, port: str) -> str:
    """The line with the id of what there is: the key of a site, an action, or what the shop tells at its hook."""
    if "stk_" in line:
        (key,) = json.loads(paste("autonomy site keys --json").out)
        return re.sub(r"stk_\w+", key["id"], line)
    if "act_" in line:
        done = json.loads(paste("autonomy actions --state done --limit 1 --json").out)
        return re.sub(r"act_\w+", done[0]["id"], line)
    (folder / "shop").mkdir()
    (folder / "shop" / "autonomy.yaml").write_text("scope: shop\n")
    (folder / "shop" / "hooks.yaml").write_text(HOOK)
    paste("autonomy apply shop --yes")
    body = b'{"type": "order.placed"}'
    said = sign(key_of(PASSWORD), "msg_1", now() // 1000, body)
    answer = urllib3.request("POST", f"http://127.0.0.1:{port}/hooks/shop", body=body, headers=said)
    paste("autonomy login --link-file rosa.link")  # who reads what was said is an auditor
    return re.sub(r"dlv_\w+", answer.json()["delivery"], line)


def of_the_run(line: str) -> str:
    """The line with the id of the run there is, and of the exception that it waits with by now."""
    if "run_" not in line:
        return line
    (run,) = json.loads(paste("autonomy workflow list --json").out)
    while ".exception" in line:
        for asked in json.loads(paste("autonomy workflow exceptions --json").out):
            return re.sub(r"run_\S+exception", asked["exception"], line)
    return re.sub(r"run_\w+", run["id"], line)


def do_tasks() -> None:
    """A person opens a task, takes it, and says of it whatever can be said."""
    first = TASKS[0]
    task = json.loads(paste(f"{first} --json").out)["task"]
    for line in TASKS[1:]:
        if line.split()[2] in ("hand-off", "escalate", "complete"):
            paste(f"autonomy tasks take {task}")
        if "withdraw" in line:
            task = json.loads(paste(f"{first} --json").out)["task"]
        paste(re.sub(r"task_\w+", task, line))
    assert "there is nothing to do" in paste("autonomy tasks list").out


def pursue_a_goal() -> None:
    """A person hands in a goal, looks at it, and ends it."""
    goal = json.loads(paste(f"{GOALS[0]} --json").out)["goal"]
    for line in GOALS[1:]:
        paste(re.sub(r"run_\w+", goal, line))


def see_to_an_incident() -> None:
    """A person opens an incident, stops what it is about, and brings it to its end."""
    found = json.loads(paste(f"{INCIDENTS[0]} --json").out)
    for line in INCIDENTS[1:]:
        line = re.sub(r"inc_\w+", found["incident"]["id"], line)
        for one in found["follow_ups"]:
            line = re.sub(r"fol_\w+", one["id"], line)
        ran = paste(f"{line} --json")
        found = found if line.split()[2] == "list" else json.loads(ran.out)
    assert found["incident"]["state"] == "closed"


def of_now(line: str) -> str:
    """The line with the case of today, and the present for the day that it asks about."""
    today = datetime.now(UTC)
    named = line.replace("payables-1/2026-12-24", f"payables-1/{today:%Y-%m-%d}")
    return named.replace("2026-12-24", f"{today:%Y-%m-%dT%H:%M:%SZ}")


def remember_and_forget() -> None:
    """An agent notes something; the owner of the space looks at it and lets it be forgotten."""
    paste("autonomy agent credential buyer-2 --for 1d --out writer.key")
    paste('autonomy act memory.write space=purchasing-notes "text=Lumen delivers early" --key-file writer.key')
    paste("autonomy person invite nadia --out nadia.link")
    paste("autonomy login --link-file nadia.link")
    (found,) = autonomy("memory", "search", "lumen", "--json").json["items"]
    for line in OWNER:
        paste(re.sub(r"mem_[^ ]+", found["item"], line))
    paste("autonomy login ada")


def release_another(folder: Path) -> None:
    """Somebody in the ERP approves the second invoice."""
    with sqlite3.connect(folder / "autonomy-data" / "business.sqlite") as connection:
        connection.execute("UPDATE invoice SET status = 'approved' WHERE id = 'inv-2'")
