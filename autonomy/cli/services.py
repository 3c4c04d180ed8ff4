"""`autonomy service-key`: keys of identity providers that speak SCIM, and of applications that ask by AuthZEN."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autonomy.kernel.clock import duration

from .connect import connected
from .issued import check_place, hand_over
from .options import AsJson, Reason, Url, commands
from .screen import say, show_json, table
from .words import moment

app = commands()
keys = commands("Let other systems tell of people, or ask the policies.")
app.add_typer(keys, name="service-key")


class Purpose(StrEnum):
    SCIM = "scim"
    AUTHZEN = "authzen"


@keys.command()
def issue(
    name: Annotated[str, typer.Argument(help="What to call it, such as the system that will hold it.")],
    purpose: Annotated[Purpose, typer.Option("--for", help="What it opens.")],
    provider: Annotated[str, typer.Option(help="The identity provider it speaks for; with `--for scim`.")] = "",
    lasting: Annotated[str | None, typer.Option(help="How long it is good, such as `90d`; a year unless said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the key to this file, readable for you alone.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key; it is shown this once. One for SCIM names the identity provider that will hold it.

    \b
      autonomy service-key issue gateway --for authzen --out gateway.key
    """
    check_place(out)
    with connected(url) as client:
        ttl = None if lasting is None else duration(lasting)
        found = client.issue_service_key(name, purpose.value, provider, ttl)
    about = f"{found['purpose']} key {found['id']}, good until {moment(found['expires_at'])}"
    hand_over(found, out, as_json, about)


@keys.command("list")
def list_keys(url: Url = None, as_json: AsJson = False) -> None:
    """List keys, ended ones too.

    \b
      autonomy service-key list
    """
    with connected(url) as client:
        found = list(client.service_keys())
    if as_json:
        show_json(found)
        return
    rows = (
        [
            one["id"],
            one["name"],
            one["purpose"],
            one["provider"],
            moment(one["expires_at"]),
            moment(one["revoked_at"]) if one["revoked_at"] else "",
        ]
        for one in found
    )
    table(["KEY", "NAME", "FOR", "PROVIDER", "GOOD UNTIL", "REVOKED"], rows, "there are none")


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id (`skey_…`).")],
    reason: Reason,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a key at its next call."""
    with connected(url) as client:
        revoked = client.revoke_service_key(key, reason)
    if as_json:
        show_json({"key": key, "revoked": revoked})
    else:
        say(f"revoked `{key}`" if revoked else f"`{key}` had ended before")
