/** Names and what they stand for, one below the other. What has no value is left out. */
import type { ReactElement, ReactNode } from "react";
import classes from "./details.module.css";

export type Detail = readonly [name: string, value: ReactNode];

export function Details({ of }: { of: readonly Detail[] }): ReactElement {
  return (
    <dl className={classes.details}>
      {of
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([name, value]) => (
          <Row key={name} name={name} value={value} />
        ))}
    </dl>
  );
}

function Row({ name, value }: { name: string; value: ReactNode }): ReactElement {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
