/** Whose Today it is, as it stands in the address; apart from the page, so that the router knows it without loading it. */
export const AUDIENCES = ["executive", "supervisor", "risk", "it", "auditor"] as const;
export type Audience = (typeof AUDIENCES)[number];
