"""`make demo`: a purchasing department of agents, governed, from an empty folder to a verified record.

On a terminal it asks you to approve as the people would, and stays up until Ctrl-C. Without one it approves by itself
and exits: 0 where everything happened as told, 1 where something did not.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from shlex import join, quote

from autonomy.kernel.errors import AutonomyError

from .approving import Approving
from .company import AUDITOR, SUPERVISOR, Company, new_folder, prepare, running
from .processes import Failed
from .proof import large_order, proof, verify_command
from .runaway import runaway
from .scenes import SCENES
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
    except (Failed, AutonomyError, FileExistsError) as error:
        teller.say(f"[bold red]{error}[/]", "!", colour="red")
        return 1


def _run(asked: argparse.Namespace, teller: Teller) -> int:
    folder = new_folder(asked.folder)
    teller.scene("Larkspur Instruments", "a company of nine people and five agents, its rules, its business database")
    prepare(folder)
    with running(folder, teller, asked.port) as company:
        approving = Approving(company)
        for scene in (*SCENES, runaway, proof):
            scene(company, approving)
        _where_next(company)
        if asked.picture:
            teller.save_picture(asked.picture)
        if asked.excerpt:
            teller.save_excerpt(asked.excerpt)
        if teller.is_live and not asked.exit:
            _stay(teller)
    return 1 if teller.failures else 0


def _where_next(company: Company) -> None:
    company.teller.scene("Where to look next", f"the server is at {company.url}, everything lies in {company.folder}")
    people = company.folder / "passwords"
    for command in (
        f"login {AUDITOR} --url {company.url} < {quote(str(people / AUDITOR))}",
        "actions",
        f"audit explain {large_order(company)}",
        join(verify_command(company, company.folder / "audit.jsonl")),
        f"login {SUPERVISOR} --url {company.url} < {quote(str(people / SUPERVISOR))}",
        "reinstate agent buyer-2 --reason 'the program is mended'",
    ):
        company.teller.plain(f"    uv run autonomy {command}")


def _stay(teller: Teller) -> None:
    teller.say("[bold]the company stays at work until you press Ctrl-C[/]")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        teller.say("closing")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("autonomy-demo"), help="where everything is kept")
    parser.add_argument("--port", type=int, default=0, help="the server's port; a free one unless given")
    parser.add_argument("--picture", type=Path, help="write the story as an SVG picture")
    parser.add_argument("--excerpt", type=Path, help="write the scenes that show most as a short SVG picture")
    parser.add_argument("--exit", action="store_true", help="do not stay up at the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
