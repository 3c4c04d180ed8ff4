"""The shipped alerts and dashboard, against real Prometheus and Alertmanager and a running server."""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from autonomy.tools import Unsure
from demo.processes import free_port
from tests.docs.pages import ROOT
from tests.forward.receiver import answers, until
from tests.programs import program, templates
from tests.server.desk import Client, Desk, desk

MONITORING = ROOT / "docs" / "monitoring"
GUIDE = ROOT / "docs" / "guides" / "monitor.md"
TOKEN = "0123456789abcdef0123456789abcdef"
NAME = re.compile(r"\b(?:autonomy|process)_[a-z_]+")
ALERTS = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]


@pytest.mark.slow
def test_every_alert_is_silent_when_it_must_be_and_fires_when_it_must(tmp_path: Path) -> None:
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    rules = Path(__file__).parent / "alerts_test.yml"
    shutil.copy(rules, tmp_path)
    done = subprocess.run(
        [program("promtool"), "test", "rules", tmp_path / rules.name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = [case for test in yaml.safe_load(rules.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}
    assert {case["alertname"] for case in tried if "exp_alerts" in case} == names
    assert {case["alertname"] for case in tried if "exp_alerts" not in case} == names


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_grave_it_is_and_is_explained(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["runbook"] == f"docs/guides/monitor.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in GUIDE.read_text()


@pytest.mark.slow
def test_alerts_dashboard_and_guide_name_only_figures_that_are_there(tmp_path: Path) -> None:
    target = f"file://{tmp_path}/audit.jsonl"
    with desk(tmp_path / "data", metrics_token=TOKEN, forward=(target,)) as it:
        it.act("look", n=1)
        it.plant.behaves["shout"] = lost
        it.act("shout", n=1)
        it.held()
        it.act("pay", payee="acme", amount="1000000.00")
        it.agent().get("/v1/actions/none")
        Client(it.pool, "aos_wrong_wrong").get("/v1/tools")
        it.system.queue.figures.failures.add("store.full")
        it.system.own.reuse.answers.add("found")
        text = Client(it.pool, TOKEN).get("/metrics").body.decode()
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    there = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    families = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for expression in [*shown, *(rule["expr"] for rule in ALERTS)]:
        assert set(NAME.findall(expression)) <= there, expression
    assert len(shown) > 30 and len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    explained = set(re.findall(r"^\| `((?:autonomy|process)_[a-z_]+)`", GUIDE.read_text(), re.MULTILINE))
    assert explained == families, "the guide's table is the list of them"


@pytest.mark.slow
def test_prometheus_scrapes_a_server_and_an_alert_reaches_a_webhook_and_ends_there(tmp_path: Path) -> None:
    with desk(tmp_path / "data", metrics_token=TOKEN) as it, webhook() as (hook, heard), watchers(tmp_path, it, hook):
        it.plant.behaves["shout"] = lost
        action = it.act("shout", n=1)
        assert action["status"] == "unknown"
        fired = heard.get(timeout=60)["alerts"]
        it.person("suzi").post(f"/api/actions/{action['action']}/resolve", {"state": "done", "reason": "I looked"})
        ended = heard.get(timeout=60)["alerts"]
    assert [(each["labels"]["alertname"], each["status"]) for each in fired] == [("AutonomyActionUnknown", "firing")]
    assert fired[0]["annotations"]["summary"] == "1 actions of unknown ending wait for a person to look"
    assert [(each["labels"]["alertname"], each["status"]) for each in ended] == [("AutonomyActionUnknown", "resolved")]


@contextmanager
def watchers(folder: Path, it: Desk, hook: str) -> Iterator[None]:
    """Prometheus with the shipped configuration and rules, made quick, and an Alertmanager that tells `hook`."""
    web, managed = free_port(), free_port()
    (folder / "token").write_text(TOKEN)
    shutil.copy(MONITORING / "alerts.yml", folder)
    shipped = (MONITORING / "prometheus.yml").read_text()
    changes = {
        "AUTONOMY:8085": it.url.removeprefix("http://"),
        "ALERTMANAGER:9093": f"127.0.0.1:{managed}",
        "/etc/prometheus/autonomy-token": str(folder / "token"),
        "15s": "1s",
    }
    for old, new in changes.items():
        assert old in shipped
        shipped = shipped.replace(old, new)
    (folder / "prometheus.yml").write_text(shipped)
    route = {"receiver": "hook", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    receivers = [{"name": "hook", "webhook_configs": [{"url": hook, "send_resolved": True}]}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))
    manager = [
        program("prometheus-alertmanager"),
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{managed}",
        "--cluster.listen-address=",
    ]
    watcher = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{web}",
    ]
    with running(folder, manager, managed), running(folder, watcher, web):
        yield


@contextmanager
def running(folder: Path, command: list[Any], port: int) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=templates())
    try:
        until(lambda: answers(port), 30)
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def webhook() -> Iterator[tuple[str, queue.Queue[Any]]]:
    """A place that hears what Alertmanager posts."""
    heard: queue.Queue[Any] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def lost(_arguments: object, _invocation: object) -> None:
    raise Unsure("nobody knows")
