"""Where a process keeps its data and how it is known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from autonomy.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a process keeps its data and how it is known. Every field has an environment variable and an option."""

    data: Path = Path("autonomy-data")
    database: str = ""
    witness: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8085
    url: str = ""
    origins: tuple[str, ...] = ()
    webhook: str = ""
    webhook_allow: tuple[str, ...] = ()
    aws_region: str = ""
    aws_allow: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    site: str = ""
    mail: str = ""
    retention_days: int = 400
    drain_seconds: int = 0
    log: str = ""
    log_format: str = "auto"
    metrics: str = ""
    metrics_token: str = field(default="", repr=False)
    traces: str = ""
    traces_percent: int = 100
    forward: tuple[str, ...] = ()
    engine: str = "embedded"
    runs: str = "here"

    @property
    def database_url(self) -> str:
        """The database; a SQLite file in the data folder unless another was named."""
        return self.database or f"sqlite:///{self.data / 'autonomy.sqlite'}"

    @property
    def public_url(self) -> str:
        """The URL by which clients know this server: the issuer and audience of its tokens."""
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def witness_folder(self) -> Path:
        """Where copies of checkpoints go. In the data folder they prove nothing against who can write there."""
        return self.witness or self.data / "witness"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """Settings from the environment, each from `AUTONOMY_` and its name in capitals; what is `given` (and not None)
        wins. Lists are separated by commas. Raises Invalid where a number is none."""
        named = {each.name: f"AUTONOMY_{each.name.upper()}" for each in fields(cls)}
        found: dict[str, Any] = {name: environment[key] for name, key in named.items() if key in environment}
        found |= {name: value for name, value in given.items() if value is not None}
        return cls(**{name: _setting(name, value) for name, value in found.items()})


def _setting(name: str, value: Any) -> Any:
    if name in ("data", "witness"):
        return Path(value)
    if name in ("origins", "webhook_allow", "aws_allow", "programs", "forward") and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if name not in ("port", "retention_days", "drain_seconds", "traces_percent"):
        return value
    if not re.fullmatch("[0-9]{1,15}", str(value)):
        raise Invalid(f"`{value}` is not a number", code="settings.number", hint=f"`{name}` is a whole number")
    return int(value)
