"""Sets the company up: its data, its server, its people, its agents. Everything lies in one folder that stays."""

from __future__ import annotations

import queue
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autonomy.catalog import starter
from demo.processes import free_port

from . import business
from .ledger import Ledger
from .office import Office
from .people import People, Person
from .processes import Events, Server, Worker
from .teller import Teller

ADMIN = "ada"
AUDITOR = "aldo"
APPROVERS = MappingProxyType({"procurement-lead": "priya", "finance-manager": "felix"})
SUPERVISOR = "priya"
PROGRAMS = MappingProxyType(
    {
        "stock-watcher": "stock_watcher.py",
        "buyer-1": "buyer.py",
        "buyer-2": "chaser.py",
        "budget-checker": "budget_checker.py",
        "payables-1": "payables.py",
        "assessor-1": "assessor.py",
    }
)
TEMPLATE = "onboarding"  # a process of the company beside those of the starter
APPLICANT = """
INSERT INTO vendor_application (id, name, bank_account, email)
VALUES ('ven-001', 'Norwick Fasteners', 'DE02120300000000202051', 'office@norwick.example');
INSERT INTO vendor_document VALUES ('ven-001', 'tax');
"""
MARKER = "demo.txt"  # by which a folder is known to be an earlier demo's
READY_SECONDS = 10.0
KEY = "log.key"
AGENTS = Path(__file__).parent / "agents"


@dataclass(frozen=True, slots=True)
class Company:
    """Everything the scenes work with."""

    folder: Path
    url: str
    people: People
    office: Office
    ledger: Any
    teller: Teller
    approvers: Mapping[str, str]

    @property
    def auditor(self) -> Person:
        return self.people[AUDITOR]

    @property
    def supervisor(self) -> Person:
        return self.people[SUPERVISOR]


@dataclass(frozen=True, slots=True)
class Business:
    """What the company works on: its declared files, its agents' programs, who approves in which role, the secrets to
    store, and a look into the tables of its systems of record."""

    about: str
    files: Mapping[str, str]
    programs: Mapping[str, str]
    approvers: Mapping[str, str]
    secrets: Mapping[str, str]
    ledger: Any


def on_sqlite(folder: Path) -> Business:
    """The starter company on the business database it comes with, which is made in `folder`."""
    files = starter.organisation((), [TEMPLATE])
    business.create(f"sqlite:///{folder / 'data' / 'business.sqlite'}", files[f"{TEMPLATE}.sql"] + APPLICANT)
    about = "a company of nine people and nine agents, its rules, its business database"
    ledger = Ledger(folder / "data" / "business.sqlite")
    return Business(about, files, PROGRAMS, APPROVERS, {}, ledger)


def prepare(folder: Path) -> None:
    """Make the folders."""
    (folder / MARKER).write_text("Made by `python -m demo`; its next run replaces this folder.\n", encoding="utf-8")
    for name in ("data", "witness", "logs", "org"):
        (folder / name).mkdir(mode=0o700)


@contextmanager
def running(folder: Path, teller: Teller, port: int, business: Business) -> Iterator[Company]:
    """The company at work; ends every process it started, whatever happens."""
    for path, text in business.files.items():
        target = folder / "org" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    log = folder / "logs" / "server.log"
    server = Server("up", folder, port or free_port(), log, "--org", str(folder / "org"))
    try:
        seconds = server.wait()
        teller.check(seconds < READY_SECONDS, f"`autonomy up` answers at {server.url} after {seconds:.1f} s")
        people = _people(server, business.approvers)
        people.keep_passwords(folder / "passwords")
        for name, value in business.secrets.items():
            people[ADMIN].client.set_secret(name, value)
        office = _office(folder, server.url, people[ADMIN], business.programs)
        try:
            # The auditor keeps the log's key from the first day on: what is verified later must be signed by it.
            (folder / KEY).write_text(people[AUDITOR].client.checkpoint()["key"], encoding="utf-8")
            yield Company(folder, server.url, people, office, business.ledger, teller, business.approvers)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
            office.close()
    finally:
        server.stop()


@contextmanager
def second_server(company: Company) -> Iterator[Server]:
    """Another server process on the company's store; ends it, whatever happens."""
    server = Server("serve", company.folder, free_port(), company.folder / "logs" / "second.log")
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def new_folder(wanted: Path) -> Path:
    """`wanted`, made afresh: an earlier demo's folder is replaced, anything else is refused with FileExistsError."""
    if wanted.exists() and any(wanted.iterdir()):
        if not (wanted / MARKER).exists():
            raise FileExistsError(f"`{wanted}` holds something that is no demo's; name another folder by --folder")
        shutil.rmtree(wanted)
    wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    return wanted


def _people(server: Server, approvers: Mapping[str, str]) -> People:
    people = People(server.url)
    admin = people.accept(server.admin_link())
    for name in (*approvers.values(), AUDITOR):
        people.invite(admin, name)
    return people


def _office(folder: Path, url: str, admin: Person, programs: Mapping[str, str]) -> Office:
    events: Events = queue.SimpleQueue()
    workers: dict[str, Worker] = {}
    for name, program in programs.items():
        issued = admin.client.issue_credential(name, "client_secret")
        identity = {"AUTONOMY_CLIENT_ID": issued["id"], "AUTONOMY_CLIENT_SECRET": issued["secret"]}
        environment = {"AUTONOMY_URL": url, "AGENT_NAME": name, **identity}
        workers[name] = Worker(name, AGENTS / program, environment, events, folder / "logs" / f"{name}.log")
    return Office(events, workers)
