"""Everything people do, as calls of the server's API. Answers are its own JSON, as `/api/openapi.json` describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .caller import PAGE, Object, Objects, part
from .history import HistoryCalls
from .insight import InsightCalls
from .knowledge import KnowledgeCalls
from .wire import Json
from .work import WorkCalls

CHANGE_SECONDS = 300.0  # ten thousand objects are checked before they go live


class Client(WorkCalls, KnowledgeCalls, HistoryCalls, InsightCalls):
    """The server at `url` as the person sees it to whom the session `token` belongs; as a stranger without one.

    Every method raises Unreachable, Overdue, Unauthenticated, Forbidden and the errors the server names.
    """

    # Sessions

    def sign_in(self, name: str, password: str) -> Object:
        """A new session: `token` and the `person`."""
        return self._post("/api/session", name=name, password=password)

    def sign_on(self) -> Object:
        """The identity `providers` at which people sign in, by `name` and `label`."""
        return self._get("/api/sign-on")

    def sign_in_by_browser(self, code: str, verifier: str) -> Object:
        """The session that somebody began in a browser for this command: `token` and the `person`."""
        return self._post("/api/session/sso", code=code, verifier=verifier)

    def accept_invitation(self, token: str, password: str) -> str:
        """Set a password by the token of a one-time link; returns whose it is."""
        return str(self._post("/api/invitations/accept", token=token, password=password)["name"])

    def sign_out(self) -> None:
        """End this session."""
        self._wire.request("DELETE", "/api/session")

    def me(self) -> Object:
        """Who is signed in, and what they may do."""
        return self._get("/api/me")

    def ready(self) -> Object:
        """Says that the server is ready, at which `epoch`. Raises Unavailable (`server.not_ready`) where it is not."""
        return self._get("/readyz")

    def metrics(self) -> str:
        """The server's figures, in the text format of Prometheus."""
        return self._wire.text("/metrics")

    # The organisation

    def units(self) -> Objects:
        """The units, each with the one it belongs to and how many agents it has."""
        return self._pages("/api/units")

    def plan(self, files: Mapping[str, str], retire: bool = False) -> Object:
        """What applying the folder would do."""
        return self._post("/api/plan", CHANGE_SECONDS, files=dict(files), retire=retire)

    def apply(self, files: Mapping[str, str], message: str = "", retire: bool = False) -> Object:
        """Make the folder the organisation: `plan` and `change`, which is None where nothing differed."""
        return self._post("/api/apply", CHANGE_SECONDS, files=dict(files), message=message, retire=retire)

    def pull(self, scope: str | None = None) -> Object:
        """The objects of one scope as `files` by path, and the kinds they are `without` for you may not read them."""
        return self._get("/api/pull", scope=scope)

    def objects(self, kind: str | None = None, unit: str | None = None) -> Objects:
        """Declared objects by kind and name."""
        return self._pages("/api/objects", kind=kind, unit=unit)

    def object(self, kind: str, name: str) -> Object:
        """One declared object with its file, revisions and neighbours."""
        return self._get(f"/api/objects/{part(kind)}/{part(name)}")

    def changes(self) -> Objects:
        """Changes of the organisation, newest first."""
        return self._pages("/api/changes")

    def change(self, epoch: int) -> Object:
        """One change with everything that it declared anew or took away (`detail`), by digest."""
        return self._get(f"/api/changes/{epoch}")

    def rollback(self, epoch: int, message: str = "") -> Object:
        """Declare again what `epoch` declared; `change` is None where nothing differed."""
        return self._post(f"/api/changes/{epoch}/rollback", CHANGE_SECONDS, message=message)

    # Agents and their credentials

    def agents(self, **wanted: str | None) -> Objects:
        """Agents by name; `wanted` may say `state`, `unit`, `role`, `sponsor`."""
        return self._pages("/api/agents", **wanted)

    def agent(self, name: str) -> Object:
        """One agent."""
        return self._get(f"/api/agents/{part(name)}")

    def promote(self, name: str, to: str) -> Object:
        """Let the agent work, as `pilot` or `active`."""
        return self._post(f"/api/agents/{part(name)}/promote", to=to)

    def suspend(self, name: str, reason: str) -> Object:
        """Let the agent rest until somebody reinstates it."""
        return self._post(f"/api/agents/{part(name)}/suspend", reason=reason)

    def reinstate_agent(self, name: str, reason: str) -> Object:
        """Lift the agent's own containment, else its suspension."""
        return self._post(f"/api/agents/{part(name)}/reinstate", reason=reason)

    def retire(self, name: str, reason: str) -> list[str]:
        """End the agent for good, and those below it; returns their ids."""
        return list(self._post(f"/api/agents/{part(name)}/retire", reason=reason)["retired"])

    def credentials(self, agent: str) -> Objects:
        """The agent's credentials, newest first, without their secrets."""
        return self._pages(f"/api/agents/{part(agent)}/credentials")

    def issue_credential(self, agent: str, kind: str, ttl: int | None = None) -> Object:
        """A new credential (`client_secret` or `api_key`), good for `ttl` ms. Its `secret` is shown this once."""
        said = {} if ttl is None else {"ttl": ttl}
        return self._post(f"/api/agents/{part(agent)}/credentials", kind=kind, **said)

    def register_key(self, agent: str, jwk: Mapping[str, Json], ttl: int | None = None) -> Object:
        """Let the agent prove itself by signing with the private half of `jwk`; the credential, `id` its client id."""
        said = {} if ttl is None else {"ttl": ttl}
        return self._post(f"/api/agents/{part(agent)}/keys", jwk=dict(jwk), **said)

    def service_keys(self) -> Objects:
        """Keys of other systems, newest first, without their secrets."""
        return self._pages("/api/service-keys")

    def issue_service_key(self, name: str, purpose: str, provider: str = "", ttl: int | None = None) -> Object:
        """A new key for `scim` (of an identity `provider`) or `authzen`. Its `secret` is shown this once."""
        said = {} if ttl is None else {"ttl": ttl}
        return self._post("/api/service-keys", name=name, purpose=purpose, provider=provider, **said)

    def revoke_service_key(self, key: str, reason: str = "") -> bool:
        """End a key of another system; returns whether it was live."""
        return bool(self._post(f"/api/service-keys/{part(key)}/revoke", reason=reason)["revoked"])

    def revoke_agent(self, name: str, reason: str = "") -> int:
        """End everything the agent authenticates with; returns how many credentials ended."""
        return int(self._post(f"/api/agents/{part(name)}/revoke", reason=reason)["revoked"])

    def revoke_credential(self, credential: str, reason: str = "") -> int:
        """End one credential and its tokens; returns how many credentials ended."""
        return int(self._post(f"/api/credentials/{part(credential)}/revoke", reason=reason)["revoked"])

    def delegations(self, agent: str | None = None) -> Objects:
        """Who may act for whom, newest first."""
        return self._pages("/api/delegations", agent=agent)

    def delegate(self, from_agent: str, to_agent: str, tools: Sequence[str], ttl: int) -> Object:
        """Let `to_agent` use `tools` for `from_agent` during `ttl` ms."""
        return self._post("/api/delegations", from_agent=from_agent, to_agent=to_agent, tools=list(tools), ttl=ttl)

    def revoke_delegation(self, delegation: str) -> None:
        """End a delegation and every token that rests on it."""
        self._post(f"/api/delegations/{part(delegation)}/revoke")

    # People

    def people(self, **wanted: str | None) -> Objects:
        """Everybody ever declared, by name; `wanted` may say `role`, `state`."""
        return self._pages("/api/people", **wanted)

    def invite(self, name: str) -> Object:
        """A one-time `link` by which the person sets a password."""
        return self._post(f"/api/people/{part(name)}/invite")

    def offboard(self, name: str, reason: str) -> Object:
        """End the person's access: `suspended` agents, `credentials_revoked`, `known_to_them`."""
        return self._post(f"/api/people/{part(name)}/offboard", reason=reason)

    def request_access(self, agent: str, role: str, reason: str, through: str | None = None) -> Object:
        """Ask that `agent` gets `role`; `action`, `status` and the agent it was asked `through`."""
        said = {} if through is None else {"through": through}
        return self._post("/api/access", agent=agent, role=role, reason=reason, **said)

    def access_review(self, kind: str | None = None) -> Objects:
        """Everyone who can do anything."""
        return self._pages("/api/access-review", kind=kind)

    # Actions and approvals

    def actions(self, **wanted: str | int | None) -> Objects:
        """Actions, newest first; `wanted` may say `text`, `agent`, `unit`, `tool`, `decision`, `state`, `case`, `run`,
        `task`, `policy`, `label`, `code`, `since` and `until` (ms), `cost_from` and `cost_to` (minor units)."""
        return self._pages("/api/actions", **wanted)

    def action(self, action: str) -> Object:
        """One action: its leaves, what it carried, and why it came out as it did."""
        return self._get(f"/api/actions/{part(action)}")

    def explain(self, action: str) -> Object:
        """Why it came out as it did: `explanation`, and `sentences` for people."""
        return self._get(f"/api/actions/{part(action)}/explain")

    def proofs(self, action: str) -> Object:
        """Each leaf of an action with the proof that it is in the log, and what the leaves commit to."""
        return self._get(f"/api/actions/{part(action)}/proofs")

    def resolve(self, action: str, state: str, reason: str) -> Object:
        """Say how an action of unknown ending ended: `done` or `failed`."""
        return self._post(f"/api/actions/{part(action)}/resolve", state=state, reason=reason)

    def approvals(self, mine: bool = False, state: Sequence[str] = ()) -> Objects:
        """Held actions, newest first; waiting ones unless `state` names others."""
        return self._pages("/api/approvals", mine=mine or None, state=list(state) or None)

    def approval(self, action: str) -> Object:
        """One held action: consequence, exact arguments, facts, rules, and `shown`, which a decision sends back."""
        return self._get(f"/api/approvals/{part(action)}")

    def decide(
        self,
        action: str,
        verdict: str,
        shown: str,
        reason: str = "",
        role: str | None = None,
        looked_ms: int | None = None,
    ) -> Object:
        """Vote `approve`, `reject` or `return` on what was `shown`, which was open for `looked_ms`."""
        given = {"role": role, "looked_ms": looked_ms}
        said = {name: value for name, value in given.items() if value is not None}
        path = f"/api/approvals/{part(action)}/decision"
        return self._post(path, verdict=verdict, shown=shown, reason=reason, **said)

    def decide_together(self, verdict: str, items: Sequence[Mapping[str, Json]], reason: str = "") -> Object:
        """Vote `approve` or `reject` on several equal actions of low risk, each an object with its `action`, what was
        `shown` and `looked_ms`; `items` of the answer say how each stands."""
        return self._post("/api/approvals/decisions", verdict=verdict, items=list(items), reason=reason)

    def absences(self, person: str | None = None, ended: bool = False) -> Objects:
        """Who is away now and later, and who decides for them; with `ended` also what is over."""
        return self._pages("/api/absences", person=person, ended=ended or None)

    def declare_absence(self, deputy: str, since: int, until: int, person: str | None = None) -> Object:
        """Let `deputy` decide from `since` until before `until` (ms) what the person, by default this one, could."""
        said = {} if person is None else {"person": person}
        return self._post("/api/absences", deputy=deputy, since=since, until=until, **said)

    def end_absence(self, absence: str) -> Object:
        """The person is back."""
        return self._post(f"/api/absences/{part(absence)}/end")

    def contain(self, scope: str, target: str, reason: str) -> Object:
        """Stop an `agent`, a `unit`, a `tool` or `everything` (target `*`)."""
        return self._post("/api/contain", scope=scope, target=target, reason=reason)

    def reinstate(self, what: str, reason: str) -> None:
        """Lift a containment by its id, or an agent's own by the agent's name."""
        self._post("/api/reinstate", what=what, reason=reason)

    def containments(self, ended: bool = False) -> Objects:
        """Containments in force, newest first; with `ended` also those lifted."""
        return self._pages("/api/containments", ended=ended or None)

    # Budgets, policies, tools, secrets

    def budgets(self, target: str | None = None) -> Objects:
        """Every limit by name, and how much of it is used."""
        return self._pages("/api/budgets", target=target)

    def budget(self, name: str) -> Object:
        """One limit, with those above and below it and when it came to its warning."""
        return self._get(f"/api/budgets/{part(name)}")

    def policies(self, unit: str | None = None) -> Objects:
        """Rules in force by their id."""
        return self._pages("/api/policies", unit=unit)

    def why(self, question: Mapping[str, Json]) -> Object:
        """What policy would say to `question` (agent, tool, arguments, facts, …), rule by rule."""
        return self._post("/api/policies/why", **question)

    def tools(self, connector: str | None = None) -> Objects:
        """Approved operations by name."""
        return self._pages("/api/tools", connector=connector)

    def tool(self, name: str) -> Object:
        """One operation with its whole definition."""
        return self._get(f"/api/tools/{part(name)}")

    def accept_tool(self, name: str) -> list[str]:
        """Accept a quarantined operation's present definition; returns the names that changed."""
        return list(self._post(f"/api/tools/{part(name)}/accept")["accepted"])

    def deliveries(self, hook: str | None = None) -> Objects:
        """What came in at hooks, newest first; without what was said."""
        return self._pages("/api/deliveries", hook=hook)

    def delivery(self, id: str) -> Object:
        """One delivery with what was said."""
        return self._get(f"/api/deliveries/{part(id)}")

    def issue_site_key(self, site: str, ttl: str = "90d") -> Object:
        """A key by which a worker of the site is known; its secret is in this answer only."""
        return self._post("/api/site-keys", site=site, ttl=ttl)

    def site_keys(self) -> Objects:
        """Every key of every site, never its secret."""
        return self._pages("/api/site-keys")

    def revoke_site_key(self, id: str) -> Object:
        """End a key of a site."""
        return self._post(f"/api/site-keys/{part(id)}/revoke")

    def secrets(self) -> Objects:
        """Every version of every secret, never a value."""
        return self._pages("/api/secrets")

    def secret_audit(self, agent: str | None = None) -> Objects:
        """Which agent can use which secret by which tools, and when it last did."""
        return self._pages("/api/secret-audit", agent=agent)

    def set_secret(self, name: str, value: str) -> Object:
        """Store a secret or a new version of one."""
        answer: Object = self._wire.request("PUT", f"/api/secrets/{part(name)}", {"value": value})
        return answer

    def rotate_secret(self, name: str, value: str) -> Object:
        """Replace a secret that exists."""
        return self._post(f"/api/secrets/{part(name)}/rotate", value=value)

    # The record

    def leaves(self, after: int = -1, kind: str | None = None) -> Objects:
        """The log after the leaf `after`, in order: `index`, `hash`, `leaf`."""
        at: int | None = after
        while at is not None:
            found = self._get("/api/audit/leaves", after=at, kind=kind, limit=PAGE)
            yield from found["leaves"]
            at = found["next"]

    def checkpoint(self) -> Object:
        """The log's newest checkpoint, signed now: `size`, `note`, and the `key` that checks it."""
        return self._get("/api/audit/checkpoint")

    def proof(self, index: int) -> Object:
        """The proof that leaf `index` is in the log."""
        return self._get(f"/api/audit/proof/{index}")

    def export(self, payloads: bool = False) -> Iterator[bytes]:
        """The whole log as a file, piece by piece; with `payloads`, what actions carried."""
        return self._wire.stream("/api/audit/export", {"payloads": payloads or None})

    def erase(self, subject: str, reason: str) -> int:
        """Forget a subject; returns how many payloads nobody can open any more."""
        return int(self._post("/api/audit/erase", subject=subject, reason=reason)["payloads"])
