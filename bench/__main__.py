"""`python -m bench NAME|all [--json]`: a minute or two each; `all` rewrites `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from . import report
from .figures import described
from .measure import CACHE, Measured, Scale, machine

BENCHES = ("door", "mcp", "policy", "audit", "connectors", "memory", "work", "console")


def main() -> None:
    """Measure, print, and with `all` write the document."""
    options = _options()
    scale = Scale(options.scale, options.leaves, options.data)
    result = run_all(scale) if options.bench == "all" else run_one(options.bench, scale)
    if options.json:
        print(json.dumps(result))
    elif options.bench != "all":
        print(report.text(result))


def run_one(bench: str, scale: Scale) -> dict[str, Any]:
    """The result of one bench. It is imported alone, so that no other's modules weigh on its figures."""
    measured_on = machine() | ({} if scale.factor == 1 else {"scale": scale.factor})
    run: Callable[[Scale], Measured] = import_module(f".{bench}", __package__).run
    found = run(scale)
    described(bench, found.metrics)
    peers = {name: _rounded(figures) for name, figures in found.peers.items()}
    return {"bench": bench, "metrics": _rounded(found.metrics), "peers": peers, "machine": measured_on}


def run_all(scale: Scale) -> dict[str, Any]:
    """The results of all benches, each measured in a process of its own; at full scale the document is rewritten."""
    results = [_apart(bench, scale) for bench in BENCHES]
    if scale.factor == 1:
        report.write_document(results)
        print(f"{report.DOCUMENT.name} is rewritten", file=sys.stderr)
    return {
        "bench": "all",
        "metrics": {result["bench"]: result["metrics"] for result in results},
        "peers": {result["bench"]: result["peers"] for result in results},
        "machine": results[0]["machine"],
    }


def _rounded(figures: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: value if isinstance(value, str) else round(value, 4) for name, value in figures.items()}


def _apart(bench: str, scale: Scale) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", bench, "--json", "--scale", str(scale.factor), "--data", str(scale.cache)]
    if scale.leaves is not None:
        command += ["--leaves", str(scale.leaves)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(told.splitlines()[-1])
    print(report.text(result), end="\n\n", file=sys.stderr, flush=True)
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("bench", choices=(*BENCHES, "all"))
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line instead of a table")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on every size, to see that it runs")
    parser.add_argument("--leaves", type=int, help="leaves of the log of the house of `console`; ten million else")
    parser.add_argument("--data", type=Path, default=CACHE, help="where what takes long to make is kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
