"""The conformance tester of python-scim against a running server: nothing it finds is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.protocols.directory import directory
from tests.server.desk import desk


def test_scim2_tester_finds_nothing_wrong(tmp_path: Path) -> None:
    # Loaded here: each process that collects the tests would need seconds for it.
    from httpx2 import Client as Http
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    with desk(tmp_path) as office:
        key = directory(office).client.token
        with Http(base_url=f"{office.url}/scim/v2", headers={"Authorization": f"Bearer {key}"}) as http:
            results = check_server(SyncSCIMClient(http))
    wrong = [f"{one.title}: {one.reason}" for one in results if one.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert not wrong, "\n".join(wrong)
    counts = Counter(one.status for one in results)
    assert counts[Status.SUCCESS] >= 60, counts
