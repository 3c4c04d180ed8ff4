"""A throw-away PostgreSQL: the machine's own binaries where there are any, else the `pgserver` wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demo.processes import free_port

SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "unix_socket_directories=",
)

REACHED: dict[str, Any] = {"allow": ["127.0.0.1/32"], "security": "none"}
"""What a connector declares to reach it: it is private, and has no TLS."""


@contextmanager
def start_postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A server on a free loopback port with its data under `folder`; yields its URL without a database name."""
    binaries = find_binaries()
    data = folder / "postgres"
    account = _unprivileged_account()
    data.mkdir(parents=True)
    if account:
        os.chown(data, account.pw_uid, account.pw_gid)
        _open_way_to(data)
    _run(
        account,
        [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ],
    )
    port = free_port()
    settings = () if durable else SETTINGS
    options = " ".join(
        f"-c {setting}"
        for setting in (*settings, "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=")
    )
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log")]
    _run(account, [*control, "-o", options, "start"])
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        _run(account, [*control, "-m", "immediate", "stop"])
        shutil.rmtree(data)


def find_binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`."""
    for candidate in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (candidate / "initdb").exists():
            return candidate
    wheel = find_spec("pgserver")
    assert wheel is not None and wheel.origin is not None, "neither PostgreSQL nor the `pgserver` wheel is installed"
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; take an account that owns nothing of value."""
    if os.geteuid() != 0:
        return None
    return next((pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name)), None)


def _exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _open_way_to(folder: Path) -> None:
    """pytest makes its folders 0700; the server's account has to pass through them, and no more."""
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)


def _run(account: pwd.struct_passwd | None, command: list[str]) -> None:
    identity = {"user": account.pw_uid, "group": account.pw_gid} if account else {}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)
