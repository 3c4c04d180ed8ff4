"""Sets the company up: its data, its server, its people, its agents. Everything lies in one folder that stays."""

from __future__ import annotations

import queue
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from autonomy.catalog import starter

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
    }
)
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
    ledger: Ledger
    teller: Teller

    @property
    def auditor(self) -> Person:
        return self.people[AUDITOR]

    @property
    def supervisor(self) -> Person:
        return self.people[SUPERVISOR]


def prepare(folder: Path) -> None:
    """Make the folders, the organisation's files and the business database."""
    (folder / MARKER).write_text("Made by `python -m demo`; its next run replaces this folder.\n", encoding="utf-8")
    for name in ("data", "witness", "logs", "org"):
        (folder / name).mkdir(mode=0o700)
    for path, text in starter.organisation().items():
        target = folder / "org" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    business.create(f"sqlite:///{folder / 'data' / 'business.sqlite'}")


@contextmanager
def running(folder: Path, teller: Teller, port: int) -> Iterator[Company]:
    """The company at work; ends every process it started, whatever happens."""
    server = Server(folder, port or _free_port(), folder / "logs" / "server.log")
    try:
        seconds = server.wait()
        teller.check(seconds < READY_SECONDS, f"`autonomy up` answers at {server.url} after {seconds:.1f} s")
        people = _people(server)
        people.keep_passwords(folder / "passwords")
        office = _office(folder, server.url, people[ADMIN])
        try:
            # The auditor keeps the log's key from the first day on: what is verified later must be signed by it.
            (folder / KEY).write_text(people[AUDITOR].client.checkpoint()["key"], encoding="utf-8")
            ledger = Ledger(folder / "data" / "business.sqlite")
            yield Company(folder, server.url, people, office, ledger, teller)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
            office.close()
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


def _people(server: Server) -> People:
    people = People(server.url)
    admin = people.accept(server.admin_link())
    for name in (*APPROVERS.values(), AUDITOR):
        people.invite(admin, name)
    return people


def _office(folder: Path, url: str, admin: Person) -> Office:
    events: Events = queue.SimpleQueue()
    workers: dict[str, Worker] = {}
    for name, program in PROGRAMS.items():
        issued = admin.client.issue_credential(name, "client_secret")
        identity = {"AUTONOMY_CLIENT_ID": issued["id"], "AUTONOMY_CLIENT_SECRET": issued["secret"]}
        environment = {"AUTONOMY_URL": url, "AGENT_NAME": name, **identity}
        workers[name] = Worker(name, AGENTS / program, environment, events, folder / "logs" / f"{name}.log")
    return Office(events, workers)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
