"""Every command: the module it lies in, and what the list of commands says of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

START, SESSION, ORGANISATION, WORKFORCE, WORK, LIMITS, RECORD = SECTIONS = (
    "Run it",
    "Who you are",
    "The organisation",
    "Agents and people",
    "Work",
    "Rules and limits",
    "The record",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lies, under which heading it is listed, and what it does."""

    module: str
    section: str
    help: str


COMMANDS = MappingProxyType(
    {
        "init": Entry("starter", START, "Write a starter organisation into a folder."),
        "up": Entry("up", START, "Start everything in one process, ready to be tried."),
        "serve": Entry("serve", START, "Serve an organisation that is there already."),
        "work": Entry("work", START, "Perform at a site what must be performed there."),
        "doctor": Entry("doctor", START, "Check the installation and say what to mend."),
        "metrics": Entry("metrics", START, "Show the server's figures."),
        "record": Entry("recording", START, "Watch an existing system in use and write a first organisation from it."),
        "backup": Entry("backup", START, "Save the database, and the log with it, into one file."),
        "restore": Entry("backup", START, "Bring back what `backup` saved, if its log is whole."),
        "login": Entry("session", SESSION, "Sign in to a server."),
        "logout": Entry("session", SESSION, "End the session."),
        "whoami": Entry("session", SESSION, "Show who is signed in, and what they may do."),
        "plan": Entry("organisation", ORGANISATION, "Show what applying a folder would change."),
        "apply": Entry("organisation", ORGANISATION, "Make a folder the organisation, all of it or nothing."),
        "pull": Entry("organisation", ORGANISATION, "Write the organisation into a folder."),
        "get": Entry("objects", ORGANISATION, "List declared objects."),
        "describe": Entry("objects", ORGANISATION, "Show one declared object and its history."),
        "changes": Entry("organisation", ORGANISATION, "List the changes of the organisation."),
        "rollback": Entry("organisation", ORGANISATION, "Declare again what an earlier epoch declared."),
        "agents": Entry("agents", WORKFORCE, "List agents."),
        "agent": Entry("agents", WORKFORCE, "Let an agent work, rest or end, and give it credentials."),
        "delegate": Entry("delegation", WORKFORCE, "Let an agent act for another."),
        "delegations": Entry("delegation", WORKFORCE, "List who may act for whom."),
        "people": Entry("people", WORKFORCE, "List people."),
        "person": Entry("people", WORKFORCE, "Invite a person or end their access."),
        "service-key": Entry("services", WORKFORCE, "Let other systems tell of people, or ask the policies."),
        "access": Entry("people", WORKFORCE, "Review who can do what, and ask that an agent gets a role."),
        "act": Entry("act", WORK, "Ask for an action, as an agent."),
        "actions": Entry("actions", WORK, "List actions."),
        "action": Entry("actions", WORK, "Show an action, or say how it ended."),
        "approvals": Entry("approvals", WORK, "List, show and decide what waits for people."),
        "absences": Entry(
            "absences", WORK, "List who is away, now and later, and who decides their approvals meanwhile."
        ),
        "absent": Entry("absences", WORK, "Let a deputy decide your approvals while you are away."),
        "back": Entry("absences", WORK, "Say that you are back before the time."),
        "workflow": Entry("workflow", WORK, "Run workflows: begin, look, steer, decide about exceptions."),
        "tasks": Entry("tasks", WORK, "Find, take, do and hand on tasks."),
        "goal": Entry("goal", WORK, "Hand goals to agents that plan, look at what they propose, end them."),
        "memory": Entry("memory", WORK, "List, find, show and forget what agents remember."),
        "contain": Entry("containment", WORK, "Stop an agent, a unit, a tool or everything."),
        "reinstate": Entry("containment", WORK, "Let what was contained go on."),
        "incident": Entry("incidents", WORK, "Open, stop, follow up and close incidents."),
        "case": Entry("history", WORK, "Show what happened in a case."),
        "containments": Entry("containment", WORK, "List what is contained."),
        "budgets": Entry("budgets", LIMITS, "Show limits and how much of them is used."),
        "budget": Entry(
            "budgets", LIMITS, "Show limits as a tree, how much of them is used, and how long they will last."
        ),
        "decision": Entry("decisions", LIMITS, "List decision tables, run their tests, and ask one."),
        "policy": Entry("policy", LIMITS, "Check and test policies, and ask why."),
        "tools": Entry("tools", LIMITS, "List approved operations."),
        "tool": Entry("tools", LIMITS, "Show an operation, accept its changed definition, or import some."),
        "connector": Entry("connector", LIMITS, "Begin a connector of your own."),
        "deliveries": Entry("deliveries", LIMITS, "List what came in at hooks."),
        "delivery": Entry("deliveries", LIMITS, "Show what came in at a hook."),
        "site": Entry("sites", LIMITS, "Keep the keys by which workers of sites are known."),
        "secret": Entry("secret", LIMITS, "Keep credentials of systems of record."),
        "insight": Entry("insight", RECORD, "Show figures of the workforce, and how they are computed."),
        "label": Entry("insight", RECORD, "Say whether the result of an action, a run or a task was right."),
        "audit": Entry("audit", RECORD, "Read, export, verify and explain the log."),
    }
)
