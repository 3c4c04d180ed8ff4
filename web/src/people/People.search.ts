/** What of the page stands in its address; apart from it, so that the router knows it without loading the page. */
export const FILTERS = ["like", "role", "state"] as const;
