"""A connector under examination, its system of record, and everything it shows meanwhile."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from autonomy.catalog.model import SPECS
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from ..credential import Credential
from ..errors import Refused, Unreachable, Unsure
from ..model import Invocation, Reconciled
from ..ports import Answers
from ..registry import Registry
from ..service import Connectors

Behaviour = Literal["well", "refuse", "stale", "hang", "break", "gone", "leak", "flood"]
"""How a system of record can be told to behave.

well     it does what it is asked
refuse   it says no, and does nothing
stale    it says that the record has changed, and does nothing
hang     it hears the call and never answers
break    it does what it is asked, and the answer is lost
gone     it cannot be reached
leak     it refuses and repeats the credential it was given in what it says
flood    it answers with far more than is admitted
"""

CANARY = "canary/with+odd=chars-5e1f"


class Unfit(AssertionError):
    """the connector does not do what every connector must"""


class System(Protocol):
    """The system of record behind a candidate: a real one under control, or a small one that stands for it."""

    async def behave(self, how: Behaviour) -> None:
        """From now on."""

    def effects(self, action: str) -> int:
        """How often a write of this action took place, as the system itself knows."""

    def calls(self) -> int:
        """How many calls have reached it at all, connections that said nothing included."""

    async def close(self) -> None:
        """Free what it holds."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connector to be examined.

    `use` is the connector's own manifest, `read` and `write` are specs of tools without their connector; both take
    `arguments`. `cannot` names behaviours that this kind of system does not have, each with the reason.
    """

    name: str
    use: Mapping[str, Any]
    write: Mapping[str, Any]
    system: System
    read: Mapping[str, Any] | None = None
    arguments: Mapping[str, Json] = field(default_factory=dict)
    secret: str = CANARY
    cannot: Mapping[Behaviour, str] = field(default_factory=dict)
    over_network: bool = False
    folder: Path = Path()
    functions: Mapping[str, Any] = field(default_factory=dict)
    programs: Collection[str] = ()
    answers: Answers | None = None
    others: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    """Further manifests it needs: kind, name, spec."""

    @property
    def effect(self) -> str:
        return str(self.write["effect"])


Make = Callable[[], Awaitable[Candidate]]


@dataclass(slots=True)
class Line:
    """A candidate in force, and everything it has shown: results, errors, logs."""

    candidate: Candidate
    connectors: Connectors
    registry: Registry
    shown: list[str]

    async def call(self, tool: str, action: str, deadline_s: float = 10.0) -> Json | AutonomyError:
        """What comes of a call; an error is returned, for that is what is looked at. Raises Unfit for any other."""
        invocation = Invocation(action, "examiner", deadline_s)
        try:
            result = await self.connectors.call(self.registry.get(tool), self.candidate.arguments, invocation)
        except (Refused, Unreachable, Unsure) as error:
            self.shown.append(_told(error))
            return error
        except Exception as error:
            raise Unfit(f"`{tool}` raised {type(error).__name__}, which says nothing about the world") from error
        self.shown.append(canonical.encode(result.value).decode())
        return result.value

    async def asked(self, action: str) -> Reconciled:
        """What the system says became of a write."""
        invocation = Invocation(action, "examiner", 10.0)
        return await self.connectors.reconcile(self.registry.get("write"), self.candidate.arguments, invocation)


@asynccontextmanager
async def opened(candidate: Candidate) -> AsyncIterator[Line]:
    """The candidate in force."""
    organisation, heard = organisation_of(candidate), _Heard()
    connectors = Connectors(
        lambda: organisation,
        lambda name: Credential(name, 1, candidate.secret),
        candidate.folder,
        load=candidate.functions.__getitem__,
        programs=candidate.programs,
        answers=candidate.answers,
    )
    logging.getLogger().addHandler(heard)
    try:
        yield Line(candidate, connectors, Registry.build(organisation), heard.said)
    finally:
        logging.getLogger().removeHandler(heard)
        await connectors.close()


def organisation_of(candidate: Candidate) -> Organisation:
    """The smallest one that holds the candidate."""
    root: dict[str, Any] = {"currency": "EUR", "trustDomain": "example.org"}
    declared: list[tuple[str, str, Mapping[str, Any]]] = [
        ("Unit", "root", root),
        ("Connector", "candidate", {"use": dict(candidate.use)}),
        ("Tool", "write", {**candidate.write, "connector": "candidate"}),
        *candidate.others,
    ]
    if candidate.read is not None:
        declared.append(("Tool", "read", {**candidate.read, "connector": "candidate", "effect": "read"}))
    return Organisation(1, [_revision(*each) for each in declared])


def _revision(kind: str, name: str, spec: Mapping[str, Any]) -> Revision:
    digest = canonical.digest({"kind": kind, "name": name, "spec": dict(spec)})
    return Revision(kind, name, "root", digest, name, SPECS[kind].model_validate(dict(spec)))


class _Heard(logging.Handler):
    """Everything that is logged, with its traces."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


def _told(error: AutonomyError) -> str:
    """All that an error would show: its words, its details, and its trace with every cause that is told with it."""
    return "\n".join([*traceback.format_exception(error), repr(error), repr(error.as_dict())])
