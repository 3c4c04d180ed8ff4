/** Something that somebody has to look at now. */
import type { ReactElement, ReactNode } from "react";
import classes from "./kit.module.css";

export function Attention({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <section className={classes.attention} aria-label={label}>
      {children}
    </section>
  );
}
