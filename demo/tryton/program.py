"""Where Tryton's programs are, and the template database that every use copies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".erp"
SEED = Path(__file__).with_name("seed.py")
DATABASE = "erp"
BUILD_SECONDS = 300  # forty on an idle machine
MODULES = (
    "account_invoice_stock",
    "account_payment",
    "production",
    "purchase_request",
    "sale_opportunity",
    "stock_supply",
)


def binary(name: str) -> Path:
    """A program of the environment `.erp`. Raises FileNotFoundError with the command that makes it."""
    found = ENVIRONMENT / "bin" / name
    if not found.exists():
        raise FileNotFoundError(f"`{name}` is not installed: run `make erp`, which puts Tryton and Roundup into .erp")
    return found


def copy_template(target: Path) -> None:
    """A seeded database `erp.sqlite` and the REST keys `keys.json` in the folder `target`.

    They are built the first time, which takes a minute, and kept in `.erp` as long as seed and versions stay the same.
    """
    kept = template()
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept / f"{DATABASE}.sqlite", target)
    shutil.copy(kept / "keys.json", target)
    (target / "keys.json").chmod(0o600)


def write_configuration(folder: Path, listen: str = "127.0.0.1:0") -> Path:
    """The file `trytond.conf` for the databases in `folder`. Tryton makes a URI of their path: it must be absolute."""
    path = folder / "trytond.conf"
    said = f"[database]\nuri = sqlite://\npath = {folder.resolve()}\n[web]\nlisten = {listen}\n"
    path.write_text(said, encoding="utf-8")
    return path


def template() -> Path:
    """The folder of the template, which is built where it is not there."""
    binary("trytond")
    digest = hashlib.sha256(SEED.read_bytes() + (ROOT / "uv.lock").read_bytes() + repr(MODULES).encode())
    kept = ENVIRONMENT / f"template-{digest.hexdigest()[:16]}"
    with _alone(ENVIRONMENT / "template.lock"):
        if not kept.exists():
            for outdated in ENVIRONMENT.glob("template-*"):
                shutil.rmtree(outdated)
            with tempfile.TemporaryDirectory(dir=ENVIRONMENT) as folder:
                _build(Path(folder) / "built")
                (Path(folder) / "built").rename(kept)
    return kept


def _build(folder: Path) -> None:
    folder.mkdir()
    configuration = write_configuration(folder)
    (folder / f"{DATABASE}.sqlite").touch()  # Tryton makes tables in a file, not the file
    secret = folder / "administrator"
    secret.touch(mode=0o600)
    secret.write_text(f"{os.urandom(16).hex()}\n", encoding="utf-8")
    modules = ["--activate-dependencies", "-u", *MODULES]
    common = [str(binary("trytond-admin")), "-c", str(configuration), "-d", DATABASE]
    _run([*common, "--all", "--email", "ada@larkspur.example", *modules], {"TRYTONPASSFILE": str(secret)})
    _run([str(binary("python")), str(SEED), str(configuration), DATABASE, str(folder / "keys.json")], {})
    secret.unlink()  # nobody signs in as the administrator


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"`{Path(command[0]).name}` ended with {done.returncode}: {done.stderr[-2000:]}")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the others wait for what it makes."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    template()
