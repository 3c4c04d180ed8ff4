"""`autonomy work`: a process that works and serves nobody, at a site or on runs."""

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
    site: Annotated[str | None, typer.Option(help="The site this machine is at.")] = None,
    runs: Annotated[bool, typer.Option("--runs", help="Carry out runs of workflows, beside the servers.")] = False,
    url: Annotated[
        str | None, typer.Option("--url", envvar="AUTONOMY_URL", help="The control plane; `https://…`.")
    ] = None,
    database: Annotated[str | None, typer.Option(help="With `--runs`: the servers' database URL.")] = None,
    secrets: Annotated[Path, typer.Option(help="A folder with a file for each secret.")] = Path("secrets"),
    data: Annotated[
        Path | None,
        typer.Option(help="With `--runs` the data folder; else where relative files of connectors are meant."),
    ] = None,
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
    """Perform at a site what must be performed there, or carry out runs of workflows.

    At a site it connects to the control plane and is never connected to. The key of the site is in `AUTONOMY_SITE_KEY`;
    credentials of systems of record are files that stay here, or are read from AWS by who this machine is there. With
    `--runs` it works on the servers' database, with their master key (`AUTONOMY_KEY`), and any number of them may.
    Ends on Ctrl-C or SIGTERM, after what is under way.

    \b
      autonomy work --site factory --url https://autonomy.example
      autonomy work --runs
    """
    if runs and site is None:
        # It brings the whole system with it, and a worker at a site stays small.
        from .working import carry_runs_out  # noqa: PLC0415

        carry_runs_out(data, database, url, programs, log, as_json)
    elif runs or site is None:
        raise Invalid("a worker works either at a site or on runs", code="work.what", hint="say `--site` or `--runs`")
    elif url is None:
        raise Invalid("there is no control plane to work for", code="work.url", hint="say where it is by `--url`")
    else:
        admitted = _parts(os.environ.get("AUTONOMY_PROGRAMS", "") if programs is None else programs)
        others = providers(aws_region, _parts(aws_allow), os.environ, clock.now)
        place, kept = data or Path(), kept_in(secrets)
        performing = Performing(site, secrets_in(secrets), place, admitted, keep=kept, providers=others)
        _work_at(site, url, performing, log, as_json)


def _work_at(site: str, url: str, performing: Performing, log: str | None, as_json: bool) -> None:
    configure(log or os.environ.get("AUTONOMY_LOG") or "info", os.environ.get("AUTONOMY_LOG_FORMAT", "auto"))
    key = os.environ.get(KEY, "")
    if not key:
        raise Invalid("there is no key of a site", code="site.key_missing", hint=f"put it into `{KEY}`")
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
