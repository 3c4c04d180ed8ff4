/** What of the page stands in its address; apart from it, so that the router knows it without loading the page. */
export const DAYS = ["1", "7", "30", "90"] as const;
