"""What the browser's verification is tested by is what the server makes."""

from __future__ import annotations

import json

from .vectors import FILE, LOGS, logs, vectors


def test_the_browser_is_tested_by_what_the_server_makes() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == vectors()
    assert json.loads(LOGS.read_text(encoding="utf-8")) == logs()
