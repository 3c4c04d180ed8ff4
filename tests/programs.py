"""Programs that some tests talk to: Prometheus, Alertmanager, rsyslog. Those of the machine, else Debian's packages.

`python -m tests.programs` fetches what the machine has not into `.tools/debian`: the packages are unpacked there, so
that nothing is installed, nothing is started, and nobody needs to be an administrator.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".tools" / "debian"
TEMPLATES = "usr/share/prometheus/alertmanager"
PLACES = ("usr/bin", "usr/sbin")

PACKAGES = {
    "prometheus": ("prometheus",),
    "promtool": ("prometheus",),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
    "rsyslogd": ("rsyslog", "libestr0", "libfastjson4"),
    "rsyslog-gnutls": ("rsyslog-gnutls",),
}
"""Each program with the packages it is made of, as far as a bare system has not got them."""


def program(name: str) -> Path:
    """Where a program lies. Raises LookupError where it is nowhere."""
    unpacked = [FOLDER / place / name for place in PLACES]
    found = next((str(path) for path in unpacked if path.is_file()), None) or shutil.which(name, path=_search_path())
    if found is None:
        raise LookupError(f"`{name}` is not on this machine; `make programs` fetches it")
    return Path(found)


def templates() -> Path:
    """The folder in which Alertmanager is to be started: an unpacked one looks for its templates there."""
    return FOLDER / TEMPLATES if (FOLDER / TEMPLATES).is_dir() else Path("/")


def libraries() -> dict[str, str]:
    """The environment in which an unpacked program finds its libraries."""
    folders = [str(path.parent) for path in FOLDER.glob("usr/lib/*/libestr.so.0")]
    return os.environ | ({"LD_LIBRARY_PATH": folders[0]} if folders else {})


def modules() -> Path:
    """The folder of rsyslog's modules."""
    found = [*FOLDER.glob("usr/lib/*/rsyslog"), *Path("/usr/lib").glob("*/rsyslog")]
    if not found:
        raise LookupError("rsyslog's modules are not on this machine; `make programs` fetches them")
    return found[0]


def fetch() -> None:
    """Get what is missing from the machine's own Debian sources."""
    missing = sorted({package for name, parts in PACKAGES.items() if not _is_there(name) for package in parts})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        sys.exit(f"the tests need {', '.join(PACKAGES)}: install them, this is no Debian from which to fetch them")
    print(f"fetching {', '.join(missing)} from Debian into .tools/debian (unpacked, not installed)", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if _download(missing, folder).returncode:
            # A fresh machine may not know yet what there is.
            subprocess.run(["apt-get", "-qq", "update"], check=False)
            got = _download(missing, folder)
            if got.returncode:
                sys.exit(f"they could not be fetched, try `apt-get update` first:\n{got.stderr}")
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(FOLDER)], check=True)
    _find_templates_here()


def _download(packages: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["apt-get", "-q", "download", *packages], cwd=folder, capture_output=True, text=True)


def _find_templates_here() -> None:
    """Debian builds the path of Alertmanager's templates into the program. An unpacked one cannot have them there, so
    it is told the folder it is started in, in as many bytes: a path may have any number of slashes."""
    path, built_in = FOLDER / "usr/bin/prometheus-alertmanager", f"/{TEMPLATES}".encode()
    if path.is_file():
        path.write_bytes(path.read_bytes().replace(built_in, b".".ljust(len(built_in), b"/")))


def _is_there(name: str) -> bool:
    if name == "rsyslog-gnutls":
        return any(
            path.exists() for path in (FOLDER, Path("/")) for path in path.glob("usr/lib/*/rsyslog/lmnsd_gtls.so")
        )
    try:
        program(name)
    except LookupError:
        return False
    return True


def _search_path() -> str:
    """Where programs are looked for; a daemon's folder is not on everybody's path."""
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/bin"))


if __name__ == "__main__":
    fetch()
