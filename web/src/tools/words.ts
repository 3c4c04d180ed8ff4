/** The English of Tools. */
export const words = {
  title: "Tools",
  about: "What agents may ask for. Each is pinned to its wording; a changed one waits until a person accepts it.",
  filter: { like: "Name or description", connector: "Connector" },
  columns: { tool: "Tool", connector: "Connector", effect: "Effect", risk: "Risk", state: "State" },
  effects: {
    read: "reads",
    "write-keyed": "writes, repeatable by its key",
    "write-queryable": "writes, can be looked up",
    "write-neither": "writes, cannot be repeated",
  },
  quarantined: "changed: waits for a person",
  ready: "approved",
  trust: { trusted: "answers are trusted", untrusted: "answers are strangers' words" },
  egress: "sends data out of the company",
  empty: {
    title: "No tool",
    about: "An operation becomes a tool when it is declared in the folder tools/ of the organisation.",
    command: "autonomy tool import mcp --name desk --command 'desk-server --stdio' --tool get_ticket --into org",
  },
  about_it: "About it",
  facts: { connector: "Connector", effect: "Effect", risk: "Risk", trust: "Trust", tags: "Tags", unit: "Unit" },
  input: "What it takes",
  secrets: "Secrets it uses",
  actions: "Newest actions",
  none: "Nobody has used it yet.",
  accept: {
    title: "Its definition has changed at the source",
    about: "It is not used until somebody has looked at what changed and accepts it.",
    go: "Accept the change",
    done: "Accepted",
  },
} as const;
