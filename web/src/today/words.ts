/** The English of Today. */
export const words = {
  title: "Today",
  hello: (name: string) => `Good day, ${name}`,
  figures: "The workforce",
  waits: "Waits for you",
  waitsNone: "Nothing waits for you.",
  toInbox: (count: number) => (count > 0 ? `All ${count}` : "Inbox"),
  runs: "Running",
  runsNone: "No run is under way.",
  wrong: "What went wrong today",
  wrongNone: "Nothing went wrong today.",
  budgets: "Spend against budgets",
  budgetsNone: "No budget is declared.",
  contained: "Contained now",
  containedBy: (by: string) => `by ${by}`,
  all: "All",
} as const;
