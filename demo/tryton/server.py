"""A running Tryton on a loopback port, ended by its own process id."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from demo.processes import end, free_port

from .program import DATABASE, binary, copy_template, write_configuration

READY_SECONDS = 60.0


class Tryton:
    """`trytond` on a copy of the template in `folder`, which is made where it is not there yet.

    Used as a context manager, or by `start` and `stop`. `url` is where its REST API has its models.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        if not (folder / f"{DATABASE}.sqlite").exists():
            copy_template(folder)
        self.folder = folder
        self.port = port or free_port()
        self.keys: dict[str, str] = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{DATABASE}/rest/model"

    @property
    def database(self) -> Path:
        """The SQLite file: what is in its tables is what has happened."""
        return self.folder / f"{DATABASE}.sqlite"

    def __enter__(self) -> Tryton:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; returns when it answers, and raises RuntimeError where it does not."""
        configuration = write_configuration(self.folder, f"127.0.0.1:{self.port}")
        self._process = subprocess.Popen(
            [str(binary("trytond")), "-c", str(configuration), "-d", DATABASE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said: queue.SimpleQueue[bool] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(self._process, said), daemon=True).start()
        try:
            ready = said.get(timeout=READY_SECONDS)
        except queue.Empty:
            ready = False
        if not ready:
            self.stop()
            raise RuntimeError(f"Tryton did not start; {self.folder / 'trytond.log'} says why")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; SIGKILL is what a crash looks like."""
        process, self._process = self._process, None
        if process is None:
            return
        end(process, how)

    def pause(self) -> None:
        """It takes requests and answers none, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _listen(self, process: subprocess.Popen[str], said: queue.SimpleQueue[bool]) -> None:
        """Keep its log, and say when it answers or that it never will."""
        assert process.stderr is not None
        with (self.folder / "trytond.log").open("a", encoding="utf-8") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()
                if "Running on" in line:
                    said.put(True)
        said.put(False)
