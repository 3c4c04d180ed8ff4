"""`autonomy site`: the keys by which workers of sites are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .connect import connected
from .issued import check_place, hand_over
from .options import AsJson, Url, commands
from .screen import say, show_json, table
from .words import moment

app = commands()
site = commands("Keep the keys by which workers of sites are known.")
app.add_typer(site, name="site")


@site.command()
def issue(
    name: Annotated[str, typer.Argument(help="The site, as connectors name it.")],
    lasting: Annotated[str, typer.Option("--for", help="How long it is good, such as `30d`.")] = "90d",
    out: Annotated[Path | None, typer.Option(help="Write the key to this file, readable for you alone.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key by which workers of a site are known. It is shown this once.

    \b
      autonomy site issue factory --out factory.key
    """
    check_place(out)
    with connected(url) as client:
        found = client.issue_site_key(name, lasting)
    hand_over(found, out, as_json, f"key {found['id']} of `{name}`, good until {moment(found['expires_at'])}")


@site.command()
def keys(url: Url = None, as_json: AsJson = False) -> None:
    """List the keys of sites, never their secrets.

    \b
      autonomy site keys
    """
    with connected(url) as client:
        found = list(client.site_keys())
    if as_json:
        show_json(found)
        return
    rows = (
        [one["site"], one["id"], one["created_by"], moment(one["expires_at"]), moment(one["revoked_at"])]
        for one in found
    )
    table(["SITE", "KEY", "BY", "EXPIRES", "REVOKED"], rows, "no site has a key")


@site.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key, `stk_…`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """End a key of a site.

    \b
      autonomy site revoke stk_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        revoked = client.revoke_site_key(key)
    if as_json:
        show_json(revoked)
    else:
        say(f"`{key}` opens nothing any more")
