"""`autonomy work`: performs at a site what must be performed there."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autonomy.kernel import clock
from autonomy.kernel.errors import Invalid
from autonomy.sdk.site import RemoteDesk
from autonomy.telemetry.logs import configure
from autonomy.tools.providers import providers
from autonomy.tools.sites import Performing, Worker
from autonomy.tools.sites.performing import kept_in, secrets_in

from .options import AsJson, Log, Programs, commands
from .screen import json_lines, say

app = commands()

KEY = "AUTONOMY_SITE_KEY"


@app.command()
def work(
    site: Annotated[str, typer.Option(help="The site this machine is at.")],
    url: Annotated[str, typer.Option("--url", envvar="AUTONOMY_URL", help="The control plane; `https://…`.")],
    secrets: Annotated[Path, typer.Option(help="A folder with a file for each secret.")] = Path("secrets"),
    data: Annotated[
        Path, typer.Option(help="The folder within which relative files of connectors are meant.")
    ] = Path(),
    programs: Programs = None,
    aws_region: Annotated[
        str, typer.Option(envvar="AUTONOMY_AWS_REGION", help="Where secrets named `aws:…` are read.")
    ] = "",
    aws_allow: Annotated[
        str, typer.Option(envvar="AUTONOMY_AWS_ALLOW", help="Private ranges AWS may be reached in, by commas.")
    ] = "",
    log: Log = None,
    as_json: AsJson = False,
) -> None:
    """Perform at a site what must be performed there, asked for by the control plane.

    It connects to the control plane and is never connected to. The key of the site is in `AUTONOMY_SITE_KEY`;
    credentials of systems of record are files that stay here, or are read from AWS by who this machine is there.
    Ends on Ctrl-C or SIGTERM.

    \b
      autonomy work --site factory --url https://autonomy.example
    """
    configure(log or os.environ.get("AUTONOMY_LOG") or "info", os.environ.get("AUTONOMY_LOG_FORMAT", "auto"))
    key = os.environ.get(KEY, "")
    if not key:
        raise Invalid("there is no key of a site", code="site.key_missing", hint=f"put it into `{KEY}`")
    admitted = _parts(os.environ.get("AUTONOMY_PROGRAMS", "") if programs is None else programs)
    others = providers(aws_region, _parts(aws_allow), os.environ, clock.now)
    performing = Performing(site, secrets_in(secrets), data, admitted, keep=kept_in(secrets), providers=others)
    ready = partial(_announce, site, url, as_json)
    asyncio.run(_work(RemoteDesk(url, key), performing, ready))


def _parts(said: str) -> list[str]:
    return [part.strip() for part in said.split(",") if part.strip()]


async def _work(desk: RemoteDesk, performing: Performing, ready: Callable[[], None]) -> None:
    worker = Worker(desk, performing.perform)
    await desk.waiting(0.0)  # a wrong key or address is said at once, not in a log
    working, stop = asyncio.create_task(worker.run()), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    ready()
    await stop.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await performing.close()
    desk.close()


def _announce(site: str, url: str, as_json: bool) -> None:
    if as_json:
        json_lines([{"site": site, "url": url}])
    else:
        say(f"working for the site `{site}` of {url}; Ctrl-C ends it")
