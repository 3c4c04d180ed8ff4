/** An amount of money, in minor units of the base currency of the organisation. */
import type { ReactElement } from "react";
import { useMe } from "@/frame/session";
import classes from "./kit.module.css";
import { money } from "./money";

export function Money({ minor }: { minor: number }): ReactElement {
  return <span className={classes.numbers}>{money(minor, useMe())}</span>;
}
