"""A running Roundup on a loopback port, ended by its own process id."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from pathlib import Path

from demo.tryton.program import binary
from demo.tryton.server import free_port

SERVE = Path(__file__).with_name("serve.py")
STOP_SECONDS = 10.0


class Roundup:
    """A tracker of its own in `folder`, with a user for each of `agents`. `url` is where its REST API has its data."""

    def __init__(self, folder: Path, *agents: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/rest/data"
        self._passwords = {name: secrets.token_urlsafe(12) for name in ("admin", *agents)}
        self._process: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        """The tracker's own tables."""
        return self.folder / "tracker" / "db" / "db"

    def basic(self, name: str) -> str:
        """What stands behind `Basic` for a user (RFC 7617)."""
        return base64.b64encode(f"{name}:{self._passwords[name]}".encode()).decode()

    def __enter__(self) -> Roundup:
        kept = self.folder / "passwords.json"
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(self._passwords), encoding="utf-8")
        with (self.folder / "roundup.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary("python")), str(SERVE), str(self.folder / "tracker"), str(self.port), str(kept)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        if not any(line == "ready\n" for line in self._process.stdout):
            self.__exit__()
            raise RuntimeError(f"Roundup did not start: {(self.folder / 'roundup.log').read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
