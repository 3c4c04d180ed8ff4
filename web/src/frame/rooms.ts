/** The rooms of the house in the order of the menu. One appears as soon as a route of its address exists. */
import { words } from "@/words";
import type { IconName } from "./icons";

export interface Room {
  to: string;
  name: string;
  icon: IconName;
  /** What one must be permitted to see anything there. */
  needs?: string;
}

const ALL: readonly Room[] = [
  { to: "/", name: words.rooms.today, icon: "today" },
  { to: "/inbox", name: words.rooms.inbox, icon: "inbox", needs: "approvals:hold:read" },
  { to: "/work", name: words.rooms.work, icon: "work", needs: "workflow:run:read" },
  { to: "/workforce", name: words.rooms.workforce, icon: "workforce", needs: "identity:agent:read" },
  { to: "/actions", name: words.rooms.actions, icon: "actions", needs: "gate:action:read" },
  { to: "/policies", name: words.rooms.policies, icon: "policies", needs: "catalog:object:read" },
  { to: "/tools", name: words.rooms.tools, icon: "tools", needs: "catalog:object:read" },
  { to: "/memory", name: words.rooms.memory, icon: "memory", needs: "memory:item:read" },
  { to: "/budgets", name: words.rooms.budgets, icon: "budgets", needs: "budget:account:read" },
  { to: "/figures", name: words.rooms.figures, icon: "figures", needs: "insight:figure:read" },
  { to: "/audit", name: words.rooms.audit, icon: "audit", needs: "audit:log:read" },
  { to: "/incidents", name: words.rooms.incidents, icon: "incidents", needs: "incidents:incident:read" },
  { to: "/people", name: words.rooms.people, icon: "people", needs: "identity:person:read" },
  { to: "/settings", name: words.rooms.settings, icon: "settings" },
];

/** The rooms that exist in `routes` (addresses) and that the person may enter. */
export function roomsFor(routes: object, may: (permission: string) => boolean): Room[] {
  return ALL.filter((room) => room.to in routes && (room.needs === undefined || may(room.needs)));
}
