/** The English of Today. */
export const words = {
  title: "Today",
  hello: (name: string) => `Good day, ${name}`,
  waits: "Waits for you",
  waitsNone: "Nothing waits for you.",
  toInbox: "To the inbox",
  runs: "Running",
  runsNone: "No run is under way.",
  wrong: "What went wrong",
  wrongNone: "Nothing went wrong today.",
  budgets: "Spend against budgets",
  budgetsNone: "No budget is declared.",
  contained: "Contained now",
} as const;
