"""Who may use which route: every route, every kind of access, and nobody."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from autonomy.identity import ROLES, Permission
from autonomy.server.pages import ROUTES
from autonomy.server.route import GuardedRoute, api
from autonomy.server.routes import ROUTERS
from tests.server.desk import BY_ACCESS, Desk

NEEDS = {
    "sign_in": "open",
    "sign_in_by_browser": "open",
    "show_sign_on": "open",
    "accept_invitation": "open",
    "sign_out": "signed-in",
    "who_am_i": "signed-in",
    "plan_change": "catalog:change:plan",
    "apply_change": "catalog:change:apply",
    "roll_back": "catalog:change:apply",
    "pull": "catalog:object:read",
    "list_objects": "catalog:object:read",
    "describe_object": "catalog:object:read",
    "list_units": "catalog:object:read",
    "compare_wordings": "catalog:object:read",
    "list_changes": "catalog:object:read",
    "show_change": "catalog:object:read",
    "list_agents": "identity:agent:read",
    "describe_agent": "identity:agent:read",
    "show_allowances": "identity:agent:read",
    "promote_agent": "identity:agent:promote",
    "suspend_agent": "identity:agent:suspend",
    "reinstate_agent": "identity:containment:lift",
    "retire_agent": "identity:agent:retire",
    "list_credentials": "identity:credential:read",
    "issue_credential": "identity:credential:issue",
    "register_agent_key": "identity:credential:issue",
    "revoke_agent": "identity:credential:revoke",
    "revoke_credential": "identity:credential:revoke",
    "list_delegations": "identity:delegation:read",
    "grant_delegation": "identity:delegation:grant",
    "revoke_delegation": "identity:delegation:revoke",
    "rotate_key": "identity:key:rotate",
    "describe_person": "identity:person:read",
    "list_people": "identity:person:read",
    "invite_person": "identity:person:invite",
    "offboard_person": "identity:person:offboard",
    "list_service_keys": "identity:service:read",
    "issue_service_key": "identity:service:issue",
    "revoke_service_key": "identity:service:revoke",
    "review_access": "identity:access:review",
    "list_actions": "gate:action:read",
    "describe_action": "gate:action:read",
    "explain_action": "gate:action:read",
    "describe_case": "gate:action:read",
    "list_views": "gate:action:read",
    "keep_view": "gate:action:read",
    "drop_view": "gate:action:read",
    "prove_action": "gate:action:read",
    "resolve_action": "gate:action:reconcile",
    "list_approvals": "approvals:hold:read",
    "decide_together": "approvals:hold:decide",
    "describe_approval": "approvals:hold:read",
    "decide_approval": "approvals:hold:decide",
    "request_access": "identity:access:request",
    "list_absences": "approvals:hold:read",
    "declare_absence": "approvals:absence:declare",
    "end_absence": "approvals:absence:declare",
    "start_run": "workflow:run:start",
    "list_runs": "workflow:run:read",
    "migrate_runs": "workflow:run:steer",
    "list_exceptions": "workflow:run:read",
    "describe_exception": "workflow:run:read",
    "signal_runs": "workflow:event:tell",
    "describe_run": "workflow:run:read",
    "draw_run": "workflow:run:read",
    "time_run": "workflow:run:read",
    "draw_workflow": "workflow:run:read",
    "pause_run": "workflow:run:steer",
    "resume_run": "workflow:run:steer",
    "cancel_run": "workflow:run:steer",
    "prioritise_run": "workflow:run:steer",
    "choose_about_run": "workflow:run:read",
    "hand_in_goal": "workflow:run:start",
    "list_goals": "workflow:run:read",
    "describe_goal": "workflow:run:read",
    "cancel_goal": "workflow:run:steer",
    "open_task": "tasks:task:open",
    "list_tasks": "tasks:task:read",
    "describe_task": "tasks:task:read",
    "take_task": "tasks:task:work",
    "note_task": "tasks:task:work",
    "give_back_task": "tasks:task:work",
    "complete_task": "tasks:task:work",
    "hand_off_task": "tasks:task:work",
    "escalate_task": "tasks:task:work",
    "withdraw_task": "tasks:task:steer",
    "contain": "identity:containment:impose",
    "reinstate": "identity:containment:lift",
    "list_containments": "identity:containment:read",
    "open_incident": "incidents:incident:open",
    "list_incidents": "incidents:incident:read",
    "list_timeline": "incidents:incident:read",
    "list_stops": "incidents:incident:read",
    "describe_incident": "incidents:incident:read",
    "show_context": "incidents:incident:read",
    "note_incident": "incidents:incident:steer",
    "assign_incident": "incidents:incident:steer",
    "follow_up_incident": "incidents:incident:steer",
    "finish_follow_up": "incidents:incident:steer",
    "contain_incident": "identity:containment:impose",
    "reinstate_incident": "identity:containment:lift",
    "close_incident": "incidents:incident:steer",
    "list_decisions": "catalog:object:read",
    "try_decision": "catalog:object:read",
    "list_spaces": "memory:item:read",
    "search_memory": "memory:item:read",
    "show_item": "memory:item:read",
    "forget_items": "memory:item:forget",
    "list_budgets": "budget:account:read",
    "describe_budget": "budget:account:read",
    "list_policies": "catalog:object:read",
    "explain_policy": "policy:decision:explain",
    "test_policies": "gate:action:simulate",
    "list_tools": "catalog:object:read",
    "describe_tool": "catalog:object:read",
    "accept_tool": "tools:definition:accept",
    "list_deliveries": "tools:delivery:read",
    "describe_delivery": "audit:payload:read",
    "list_site_keys": "identity:credential:read",
    "issue_site_key": "identity:credential:issue",
    "revoke_site_key": "identity:credential:revoke",
    "list_secrets": "tools:secret:read",
    "audit_secrets": "tools:secret:read",
    "set_secret": "tools:secret:write",
    "rotate_secret": "tools:secret:write",
    "show_formulas": "insight:figure:read",
    "show_lag": "insight:figure:read",
    "list_figures": "insight:figure:read",
    "show_series": "insight:figure:read",
    "compare_figures": "insight:figure:read",
    "recompute_figures": "insight:figure:recompute",
    "show_recompute": "insight:figure:recompute",
    "show_today": "insight:figure:read",
    "show_scorecard": "insight:figure:read",
    "list_labels": "insight:figure:read",
    "show_action_labels": "insight:figure:read",
    "show_task_labels": "insight:figure:read",
    "show_run_labels": "insight:figure:read",
    "label_action": "insight:label:give",
    "label_task": "insight:label:give",
    "label_run": "insight:label:give",
    "draw_reviews": "insight:label:give",
    "list_leaves": "audit:log:read",
    "show_checkpoint": "audit:log:read",
    "prove_leaf": "audit:log:read",
    "draw_sample": "audit:log:read",
    "who_could": "policy:decision:explain",
    "export_log": "audit:log:export",
    "erase_subject": "audit:subject:erase",
    "stream_events": "gate:action:read",
    "show_precedents": "approvals:hold:read",
    "show_deciders": "approvals:hold:decide",
    "ask_about_approval": "approvals:hold:decide",
    "hand_approval": "approvals:hold:decide",
    "list_questions": "approvals:hold:read",
    "answer_question": "approvals:hold:read",
}
"""What each operation needs. Whoever adds a route writes down here, once more, who may use it."""

ROUTES_OF_THE_API = [route for router in ROUTERS for route in router.routes]


def requests() -> list[tuple[str, str, str]]:
    """Operation, method and an address of every route."""
    found = []
    for route in ROUTES_OF_THE_API:
        assert isinstance(route, APIRoute)
        path = re.sub(r"\{epoch\}|\{index\}", "999999", route.path)
        found += [(route.name, method, re.sub(r"\{\w+\}", "nobody", path)) for method in route.methods]
    return found


def test_every_route_says_what_it_needs_and_the_table_agrees() -> None:
    declared = {route.name: route.needs for route in ROUTES_OF_THE_API if isinstance(route, GuardedRoute)}
    assert len(declared) == len(ROUTES_OF_THE_API)
    assert declared == NEEDS


def test_a_route_without_a_declared_permission_cannot_be_made() -> None:
    router = api("loose")
    with pytest.raises(TypeError, match="exactly one permission"):

        @router.get("/loose", summary="anybody may")
        def loose() -> dict[str, str]:
            return {}


PAGES = {"/healthz", "/readyz", "/metrics", "/invite/{token}", "/invite", "/login"}
PAGES |= {"/hooks/{hook}", "/sign-on/with/{provider}", "/sign-on/callback", "/", "/assets/{name}", "/icon.svg"}


def test_nothing_is_served_beside_the_guarded_routes_and_the_pages(hall: Desk) -> None:
    assert {getattr(route, "path", "") for route in ROUTES} == PAGES
    assert all(isinstance(router, APIRouter) and router.route_class is GuardedRoute for router in ROUTERS)
    for path in ("/docs", "/redoc", "/openapi.json", "/api", "/api/", "/api/docs", "/nothing", "/api/../healthz"):
        answer = hall.stranger.get(path)
        assert (answer.status, answer.code) == (404, "route.unknown"), path


@pytest.mark.parametrize(("operation", "method", "path"), requests())
def test_nobody_passes_who_is_not_signed_in(hall: Desk, operation: str, method: str, path: str) -> None:
    answer = hall.stranger.send(method, path, None if method == "GET" else {})
    if NEEDS[operation] == "open":
        assert answer.status == (200 if method == "GET" else 400)
    else:
        assert (answer.status, answer.code) == (401, "session.missing")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("access", sorted(ROLES))
@pytest.mark.parametrize(("operation", "method", "path"), requests())
def test_people_pass_where_their_access_admits_them(
    hall: Desk, operation: str, method: str, path: str, access: str
) -> None:
    needed = NEEDS[operation]
    person = hall.person(BY_ACCESS[access])
    if operation == "stream_events":
        with person.stream(path) as stream:
            assert stream.status == 200
        return
    answer = person.send(method, path, None if method == "GET" else {})
    if needed in ("open", "signed-in") or Permission(needed) in ROLES[access]:
        assert answer.status not in (401, 403, 500), answer.body
    else:
        assert (answer.status, answer.code) == (403, "permission.missing")


def test_an_agents_token_opens_nothing_here(hall: Desk) -> None:
    answer = hall.agent().get("/api/me")
    assert (answer.status, answer.code) == (401, "session.invalid")


def test_a_session_opens_nothing_of_the_agents(hall: Desk) -> None:
    answer = hall.person("ada").post("/v1/actions", {"tool": "look", "arguments": {"n": 1}})
    assert answer.status == 401


def test_the_permission_names_in_the_document_are_the_real_ones(hall: Desk) -> None:
    document = hall.stranger.get("/api/openapi.json").json
    shown = {
        operation["operationId"]: operation["x-permission"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert shown == NEEDS
