"""What a log is called is chosen once: a server that is called otherwise later goes on with the same log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from autonomy.audit import note
from autonomy.audit.store import checkpoint, head, read_origin, rows
from autonomy.audit.verify import verify_database
from autonomy.cli.examination import examine
from autonomy.kernel.errors import Corrupt
from autonomy.wiring import Settings, System, log_signer, open_system

HERE, THERE = "https://here.example", "https://there.example:8443"


def opened(folder: Path, database: str, url: str) -> System:
    return open_system(replace(Settings(), data=folder, database=database, url=url, witness=folder / "witness"))


def lived(folder: Path, database: str, url: str, times: int = 1) -> None:
    """A life under one name, in which something happened and was signed."""
    system = opened(folder, database, url)
    for _ in range(times):
        system.identity.invite("ada")
    system.queue.run(system.checkpoints._sign)
    system.checkpoints.copy()
    system.close()


def test_a_server_called_otherwise_goes_on_with_the_same_log(tmp_path: Path, database_url: str) -> None:
    for url in (HERE, THERE, HERE, THERE):
        lived(tmp_path, database_url, url)
    system = opened(tmp_path, database_url, THERE)
    with system.database.reading() as connection:
        origin = read_origin(connection)
        signed = [text for (text,) in connection.execute(checkpoint.select().with_only_columns(checkpoint.c.note))]
        key = system.checkpoints.verifier
        report = verify_database(rows(connection), signed, origin=origin, keys=[key])
    system.close()
    assert (origin, key.name, report.ok, report.checkpoints) == ("here.example/log", "here.example/log", True, 4)
    settings = replace(Settings(), data=tmp_path, database=database_url, url=THERE, witness=tmp_path / "witness")
    found = {one.name: one.state for one in examine(settings)}
    assert found["log"] == "ok"
    assert found["witness"] != "fail"


def test_a_log_of_an_earlier_release_is_called_what_its_checkpoints_say(tmp_path: Path, database_url: str) -> None:
    lived(tmp_path, database_url, HERE)
    forget_origin(tmp_path, database_url)
    system = opened(tmp_path, database_url, THERE)
    assert system.checkpoints.verifier == log_signer("here.example/log", master(system)).verifier
    system.close()


def test_a_log_of_an_earlier_release_that_was_never_signed_is_called_by_its_server(
    tmp_path: Path, database_url: str
) -> None:
    opened(tmp_path, database_url, HERE).close()
    forget_origin(tmp_path, database_url)
    opened(tmp_path, database_url, THERE).close()
    system = opened(tmp_path, database_url, HERE)
    assert note.read(system.queue.run(system.checkpoints._sign)).checkpoint().origin == "there.example:8443/log"
    system.close()


def test_without_its_name_a_log_is_not_read_as_another(tmp_path: Path, database_url: str) -> None:
    opened(tmp_path, database_url, HERE).close()
    forget_origin(tmp_path, database_url)
    system = opened(tmp_path, database_url, HERE)
    with system.database.writer_engine().begin() as connection:
        connection.execute(update(head).values(origin=None))
        with pytest.raises(Corrupt) as refused:
            read_origin(connection)
    system.close()
    assert refused.value.code == "audit.no_origin"


def forget_origin(folder: Path, database: str) -> None:
    """The head as an earlier release wrote it."""
    system = opened(folder, database, HERE)
    with system.database.writer_engine().begin() as connection:
        connection.execute(update(head).values(origin=None))
    system.close()


def master(system: System) -> bytes:
    from autonomy.tools.key import load_key

    return load_key(system.settings.data / "master.key")
