/** Small facts in a row, each with its name above it. */
import type { ReactElement, ReactNode } from "react";
import classes from "./kit.module.css";

export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }): ReactElement {
  return (
    <dl className={classes.facts}>
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
