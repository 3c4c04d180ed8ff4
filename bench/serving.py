"""One server over a data folder that is ready: `python -m bench.serving DATA PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from autonomy.server import serve
from autonomy.wiring import Settings, open_system


def main() -> None:
    data, port = sys.argv[1:]
    serve(open_system(Settings(data=Path(data), port=int(port))))


if __name__ == "__main__":
    main()
