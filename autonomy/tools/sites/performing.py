"""Performing at a site: the connectors that orders declare, with the credentials and programs the site has."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import ValidationError

from autonomy.catalog.model import Call, ConnectorSpec, UnitSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel.errors import Invalid, NotFound, Unavailable

from ..connectors.python import Load, load_entry_point
from ..credential import Credential
from ..errors import Unreachable
from ..keyring import Reveal
from ..model import Invocation, Result
from ..oauth import Keep
from ..outbound import Providers
from ..service import Connectors
from .model import Order

MAX_SECRET = 65_536  # bytes, as in the control plane
KNOWN_CONNECTORS = 1_000  # kept with their connections; who is not among them is met again by its next order
KNOWN_AGENTS = 10_000  # of which it is remembered whose secrets they use
KNOWN_WORDINGS = 10_000  # of which it is remembered what was accepted in their place; each order says its own anew
_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?(/[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?)?")
"""A secret of an agent's own, such as `erp/buyer-1`, lies in a folder within."""

_ROOT = Revision("Unit", "site", "site", "", "", UnitSpec())


class Performing:
    """Carries out orders of one site. What an order declares is used in that very wording."""

    def __init__(
        self,
        site: str,
        reveal: Reveal,
        folder: Path,
        programs: Collection[str] = (),
        load: Load = load_entry_point,
        *,
        reserved: Collection[Path] = (),
        keep: Keep | None = None,
        providers: Providers | None = None,
    ) -> None:
        self._site = site
        self._wordings = _Accepted()
        self._places: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._known: OrderedDict[str, Revision] = OrderedDict()
        self._organisation = Organisation(0, [_ROOT])
        self._connectors = Connectors(
            lambda: self._organisation,
            reveal,
            folder,
            reserved=reserved,
            programs=programs,
            wordings=self._wordings,
            places=lambda agent: {**self._places.get(agent, {}), "agent": agent},
            load=load,
            keep=keep,
            providers=providers,
            site=site,
        )

    async def perform(self, order: Order, seconds: float) -> Result:
        """Do it. Raises Refused, Stale, Unreachable (`site.elsewhere`, `site.order` among them) or Unsure."""
        try:
            spec, call = ConnectorSpec.model_validate(order.spec), Call.model_validate(order.call)
        except ValidationError:
            raise Unreachable("the order is of another release than this worker", code="site.order") from None
        if spec.site != self._site:
            raise Unreachable(f"this worker is of the site `{self._site}`", code="site.elsewhere")
        self._learn(Revision("Connector", order.connector, "site", order.digest, "", spec))
        self._hear(order, call)
        invocation = Invocation(order.action, order.agent, seconds)
        return await self._connectors.perform(order.connector, call, order.arguments, invocation, order.write)

    async def close(self) -> None:
        """Let go of every connection and thread."""
        await self._connectors.close()

    def _hear(self, order: Order, call: Call) -> None:
        """Take down what the order says of its agent and its tool."""
        if order.places:
            self._places[order.agent] = {**self._places.get(order.agent, {}), **order.places}
            self._places.move_to_end(order.agent)
            while len(self._places) > KNOWN_AGENTS:
                self._places.popitem(last=False)
        if call.tool is not None:
            self._wordings.hear(order.connector, call.tool.name, call.tool.wording, order.wording)

    def _learn(self, connector: Revision) -> None:
        known = self._known.get(connector.name)
        if known is None or known.digest != connector.digest:
            self._known[connector.name] = connector
            if len(self._known) > KNOWN_CONNECTORS:
                self._connectors.forget(self._known.popitem(last=False)[0])
            self._organisation = Organisation(self._organisation.epoch + 1, [_ROOT, *self._known.values()])
        self._known.move_to_end(connector.name)


class _Accepted:
    """What a person has accepted in place of a pinned wording, as orders say it. What is found here is told with the
    refusal, and remembered there."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, str, str], str | None] = OrderedDict()

    def hear(self, connector: str, tool: str, pinned: str, accepted: str | None) -> None:
        """Take down what an order says; what was said longest ago is forgotten."""
        self._told[connector, tool, pinned] = accepted
        self._told.move_to_end((connector, tool, pinned))
        if len(self._told) > KNOWN_WORDINGS:
            self._told.popitem(last=False)

    def accepted(self, connector: str, tool: str, pinned: str) -> str | None:
        return self._told.get((connector, tool, pinned))

    def note(self, connector: str, tool: str, pinned: str, found: str) -> None:
        """The refusal says it."""


def secrets_in(folder: Path) -> Reveal:
    """Reveals the secrets of a folder: a file for each, by its name, that nobody else can read."""

    def reveal(name: str) -> Credential:
        if not _NAME.fullmatch(name):
            raise NotFound(f"there is no secret `{name[:63]}`", code="secret.unknown")
        try:
            with os.fdopen(os.open(folder / name, os.O_RDONLY), encoding="utf-8") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
                    raise Invalid(f"the secret `{name}` can be read by others", code="secret.exposed")
                value = file.read(MAX_SECRET).removesuffix("\n")
                return Credential(name, found.st_ctime_ns, value, given=found.st_mtime_ns)
        except (OSError, UnicodeDecodeError):
            raise NotFound(
                f"there is no secret `{name}` at this site", code="secret.unknown", hint="write it into its folder"
            ) from None

    return reveal


def kept_in(folder: Path) -> Keep:
    """Stores what a service renewed, such as a refresh token, in place of the secret's file.

    The time of change stays that of the file: by it a renewal is told from what a person wrote there.
    """

    def keep(name: str, value: str) -> None:
        if not _NAME.fullmatch(name):
            raise NotFound(f"there is no secret `{name[:63]}`", code="secret.unknown")
        path = folder / name
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            given = path.stat().st_mtime_ns
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(f"{value}\n")
                file.flush()
                os.fsync(file.fileno())
            os.utime(draft, ns=(given, given))
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise Unavailable(f"the secret `{name}` cannot be written", code="secret.not_written") from None

    return keep
