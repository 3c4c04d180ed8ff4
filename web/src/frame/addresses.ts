/** Where things are shown. Deep links are the words of the house. Pure. */

const BY_PREFIX: Record<string, string> = {
  act: "/actions/",
  run: "/work/runs/",
  task: "/inbox/tasks/",
  inc: "/incidents/",
};

const BY_KIND: Record<string, string> = {
  Agent: "/workforce/",
  Person: "/people/",
  Tool: "/tools/",
  Policy: "/policies/",
  Budget: "/budgets/",
  Workflow: "/work/",
  MemorySpace: "/memory/",
};

const SUBJECTS = [
  ["case", /^\/actions\/cases\/([^/]+)$/],
  ["action", /^\/(?:actions|inbox)\/(act_[^/]+)$/],
  ["run", /^\/(?:work\/runs|inbox\/exceptions)\/([^/]+)/],
  ["agent", /^\/workforce\/([^/]+)$/],
] as const;

/** The page of a lived thing by its id; undefined where it is none we show. */
export function addressOfId(id: string): string | undefined {
  const prefix = BY_PREFIX[id.slice(0, id.indexOf("_"))];
  return prefix && /^[a-z]+_[0-9a-z]{10,40}$/.test(id) ? prefix + id : undefined;
}

/** The page of a declared object. */
export function addressOfObject(kind: string, name: string): string {
  return (BY_KIND[kind] ?? `/settings/objects/${kind}/`) + encodeURIComponent(name);
}

/** What an incident would be about that is opened at the address `path`: both undefined where it is about nothing. */
export function subjectOf(path: string): { about?: "action" | "agent" | "run" | "case"; id?: string } {
  for (const [about, pattern] of SUBJECTS) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return { about, id: decodeURIComponent(id) };
  }
  return {};
}
