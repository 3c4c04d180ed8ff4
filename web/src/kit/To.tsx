/** A link to another page of the console, as links look here. */
import { Anchor, type AnchorProps } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";

interface Props extends AnchorProps {
  /** An address of the house. */
  to: string;
  /** Filters of the page it leads to. */
  search?: Record<string, string>;
  title?: string;
  children: ReactNode;
}

export function To({ search, ...rest }: Props): ReactElement {
  return <Anchor component={Link} size="sm" search={search as never} {...rest} />;
}
