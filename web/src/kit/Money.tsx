/** An amount of money in minor units; without `currency` in that of the organisation. */
import type { ReactElement } from "react";
import { useMe } from "@/frame/session";
import classes from "./kit.module.css";
import { money } from "./money";

export function Money({ minor, currency }: { minor: number; currency?: string | null }): ReactElement {
  const base = useMe().currency;
  return <span className={classes.numbers}>{money(minor, currency ?? base)}</span>;
}
