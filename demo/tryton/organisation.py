"""The company on Tryton: the files of the pack for one running Tryton, its secrets, its cost centres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from autonomy.catalog import starter

PACK = "tryton"
BASE_URL = "http://127.0.0.1:8000/erp/rest/model"
CONTROLLING = "controlling.sqlite"
CONTROLLING_URL = f"sqlite:///{CONTROLLING}"
COST_CENTERS = {"cc-assembly": 4_000_000, "cc-optics": 6_000_000, "cc-service": 12_000_000, "cc-training": 5_000}
"""What each may spend, in cents. The last can pay for almost nothing: the case in which the budget says no."""


def files(url: str, controlling: str = CONTROLLING_URL, more: Iterable[str] = ()) -> dict[str, str]:
    """The organisation's files, its connectors pointing to the Tryton at `url` and the database `controlling`."""
    found = starter.organisation([PACK, *more])
    connectors = found["connectors.yaml"].replace(BASE_URL, url).replace(CONTROLLING_URL, controlling)
    return {**found, "connectors.yaml": connectors}


def secrets(keys: Mapping[str, str]) -> dict[str, str]:
    """The secrets to store: the REST key of each agent's own Tryton user, by the secret's name."""
    return {f"tryton.{agent}": key for agent, key in keys.items()}


def create_controlling(url: str) -> None:
    """The tables of the cost centres' budgets, filled; on SQLite or PostgreSQL."""
    parsed = make_url(url)
    engine = create_engine(parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed)
    schema = "\n".join(line for line in starter.pack(PACK)["controlling.sql"].splitlines() if not line.startswith("--"))
    try:
        with engine.begin() as connection:
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(text(statement))
            for name, amount in COST_CENTERS.items():
                connection.execute(
                    text("INSERT INTO budget (cost_center, amount_minor) VALUES (:name, :amount)"),
                    {"name": name, "amount": amount},
                )
    finally:
        engine.dispose()
