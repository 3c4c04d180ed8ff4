"""The end of the story: the record is exported, checked without the server, and compared with what has happened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess

from . import words
from .approving import Approving
from .company import KEY, Company
from .processes import run


def proof(company: Company, _approving: Approving) -> None:
    """Export, verify, try to cheat, compare with the business database, explain."""
    company.teller.scene("Proof", "the log is exported and verified offline, against copies that a witness kept")
    export = exported(company)
    verified = verify(company, export)
    company.teller.check(verified.returncode == 0, "the exported log verifies, offline, against the witness's copies")
    company.teller.plain(_indented(verified.stdout))
    _cheat(company, export)
    _compare(company)
    _explain(company)


def exported(company: Company) -> Path:
    """The whole log as it is now, with what it seals, in one file."""
    export = company.folder / "audit.jsonl"
    with export.open("wb") as target:
        target.writelines(company.auditor.client.export(payloads=True))
    return export


def verify_command(company: Company, export: Path) -> list[str]:
    """What `autonomy` has to be told to verify an export: the log's key and the copies do not come from the log."""
    return [
        "audit",
        "verify",
        str(export),
        "--witness",
        str(company.folder / "witness"),
        "--key",
        str(company.folder / KEY),
    ]


def verify(company: Company, export: Path) -> CompletedProcess[str]:
    """The verdict of the independent reader."""
    return run(verify_command(company, export))


def _cheat(company: Company, export: Path) -> None:
    """Make a denied action look allowed, as somebody with access to the file might."""
    forged = company.folder / "audit-forged.jsonl"
    forged.write_bytes(export.read_bytes().replace(b"order-needs-budget", b"order-needs-bodget", 1))
    found = verify(company, forged)
    company.teller.check(found.returncode != 0, "one changed word in it is found")
    company.teller.plain(_indented(found.stdout, 3))


def _compare(company: Company) -> None:
    """Every write on record as done is in the business database exactly once, and nothing else is."""
    effects = {tool["name"]: tool["effect"] for tool in company.auditor.client.tools()}
    done = {
        one["id"]
        for one in company.auditor.client.actions()
        if one["state"] == "done" and effects[one["tool"]] != "read" and company.ledger.leaves_trace(one["tool"])
    }
    executed = company.ledger.executions()
    company.teller.check(
        set(executed) == done, f"the business's own tables hold exactly the {len(done)} writes on record"
    )
    doubled = [action for action, times in executed.items() if times > 1]
    company.teller.check(not doubled, "none of them was executed twice")
    heard = Counter(str(event["action"]) for _, event in company.office.used if event["status"] == "denied")
    company.teller.check(not set(heard) & set(executed), f"nothing came of the {len(heard)} actions that were denied")


def _explain(company: Company) -> None:
    action = large_order(company)
    company.teller.scene("Why?", f"the large order {words.short(action)}, rebuilt from the record alone")
    for sentence in company.auditor.client.explain(action)["sentences"]:
        first, *more = sentence.splitlines()
        company.teller.say(words.plain(f"{first} …" if more else first), "·")


def large_order(company: Company) -> str:
    """The action that asked for the largest order."""
    asked = [event for _, event in company.office.used if event["tool"].startswith("purchase_order.")]
    asked = [event for event in asked if "amount" in event["arguments"]]
    return str(max(asked, key=lambda event: float(event["arguments"]["amount"]))["action"])


def _indented(text: str, lines: int = 6) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[:lines])
