/** The English of People. */
export const words = {
  title: "People",
  about: "Who decides, answers for agents, and keeps the organisation.",
  filter: { like: "Name or address", role: "Role", state: "Every state" },
  states: { active: "active", inactive: "inactive", offboarded: "offboarded" },
  columns: { name: "Name", roles: "Roles", access: "Access", state: "State", by: "Signs in by" },
  by: { external: "identity provider", password: "password", none: "not yet" },
  empty: {
    title: "Nobody",
    about: "People are declared in the folder people/ of the organisation, or come from an identity provider.",
    command: "autonomy person invite NAME",
  },
  about_it: "About",
  facts: {
    email: "E-Mail",
    roles: "Roles",
    access: "Access",
    manager: "Manager",
    state: "State",
    by: "Signs in by",
    live: "Live sessions and keys",
    acts: "Acts for",
  },
  away: "Out of office",
  never: "Not away, now or later.",
  awayUntil: (deputy: string) => `${deputy} decides until`,
  invite: {
    go: "Make a one-time link",
    about: "Give it to this person; it sets a password, once, within a day.",
    title: "One-time link",
  },
  offboard: {
    open: "End the access",
    title: (name: string) => `End the access of ${name}`,
    about:
      "Ends sessions and keys, lets the agents rest that only this person answers for, and keeps everything on record.",
    reason: "Reason",
    go: "End it now",
    done: (revoked: number, agents: number) => `${revoked} credentials ended, ${agents} agents rest`,
  },
} as const;
