/** A link to a page of the console, checked by its types. */
import { Anchor } from "@mantine/core";
import { createLink } from "@tanstack/react-router";

export const To = createLink(Anchor<"a">);
