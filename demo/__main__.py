"""`make demo`: a purchasing department of agents, governed, from an empty folder to a verified record.

On a terminal it asks you to approve as the people would, and stays up until Ctrl-C. Without one it approves by itself
and exits: 0 where everything happened as told, 1 where something did not. In the end it prints the link of the console:
where it stays up an order waits in the inbox there, else it says what opens it there again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from shlex import join, quote

from autonomy.kernel.errors import AutonomyError

from .approving import Approving
from .company import AUDITOR, SUPERVISOR, Business, Company, new_folder, on_sqlite, prepare, running
from .onboarding import onboarding
from .processes import Failed
from .proof import large_order, proof, verify_command
from .runaway import runaway
from .scenes import SCENES, Scene, budgets, leave_waiting
from .takeover import takeover
from .teller import Teller


def main() -> int:
    """Run the demo; returns the exit code."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes are stopped then, too
    teller = Teller(record=asked.picture is not None)
    try:
        return _run(asked, teller)
    except KeyboardInterrupt:
        teller.say("stopped")
        return 130
    except (Failed, AutonomyError, FileExistsError, FileNotFoundError, RuntimeError) as error:
        teller.say(f"[bold red]{error}[/]", "!", colour="red")
        return 1


def _run(asked: argparse.Namespace, teller: Teller) -> int:
    folder = new_folder(asked.folder)
    prepare(folder)
    with ExitStack() as stack:
        business, scenes = _business(asked.erp, folder, teller, stack)
        company = stack.enter_context(running(folder, teller, asked.port, business))
        approving = Approving(company)
        for scene in scenes:
            scene(company, approving)
        _where_next(company, asked.erp)
        if asked.picture:
            teller.save_picture(asked.picture)
        if asked.excerpt:
            teller.save_excerpt(asked.excerpt)
        stays = asked.stay or (teller.is_live and not asked.exit)
        if stays and asked.erp == "sqlite":
            leave_waiting(company)
        _console(company, stays)
        if stays:
            _wait(teller)
    return 1 if teller.failures else 0


def _business(erp: str, folder: Path, teller: Teller, stack: ExitStack) -> tuple[Business, Sequence[Scene]]:
    """What the company works on, and what happens there."""
    if erp == "tryton":
        # Only here: whoever runs the usual demo needs no Tryton.
        from .tryton import story  # noqa: PLC0415

        return stack.enter_context(story.on_tryton(folder, teller)), (
            *story.SCENES,
            onboarding,
            takeover,
            budgets,
            proof,
        )
    business = on_sqlite(folder)
    teller.scene("Larkspur Instruments", business.about)
    return business, (*SCENES, onboarding, takeover, runaway, proof)


def _where_next(company: Company, erp: str) -> None:
    company.teller.scene("Where to look next", f"the server is at {company.url}, everything lies in {company.folder}")
    people = company.folder / "passwords"
    for command in (
        f"login {AUDITOR} --url {company.url} < {quote(str(people / AUDITOR))}",
        "actions",
        f"audit explain {large_order(company)}",
        join(verify_command(company, company.folder / "audit.jsonl")),
        f"login {SUPERVISOR} --url {company.url} < {quote(str(people / SUPERVISOR))}",
        *(["reinstate agent buyer-2 --reason 'the program is mended'"] if erp == "sqlite" else []),
    ):
        company.teller.plain(f"    uv run autonomy {command}")


def _console(company: Company, stays: bool) -> None:
    """The way into the console: now while the company stays, later by what opens it again on the same data."""
    teller, password = company.teller, company.folder / "passwords" / SUPERVISOR
    teller.say(f"the console, with all that has happened: [bold]{company.url}/[/]", "→")
    teller.say(f"sign in as [bold]{SUPERVISOR}[/]; the password is in {password}", "→")
    if stays:
        teller.say("[bold]the company stays at work until you press Ctrl-C[/]")
        return
    teller.say("the company closes now; this opens it again, there:")
    place = ("--data", str(company.folder / "data"), "--witness", str(company.folder / "witness"))
    teller.plain(f"    uv run autonomy serve {join(place)} --port {company.url.rpartition(':')[2]}")


def _wait(teller: Teller) -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        teller.say("closing")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--erp", choices=("sqlite", "tryton"), default="sqlite", help="the system of record")
    parser.add_argument("--folder", type=Path, default=Path("autonomy-demo"), help="where everything is kept")
    parser.add_argument("--port", type=int, default=0, help="the server's port; a free one unless given")
    parser.add_argument("--picture", type=Path, help="write the story as an SVG picture")
    parser.add_argument("--excerpt", type=Path, help="write the scenes that show most as a short SVG picture")
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument("--exit", action="store_true", help="do not stay up at the end, though on a terminal")
    ending.add_argument("--stay", action="store_true", help="stay up at the end, though on no terminal")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
