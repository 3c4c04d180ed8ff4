/** What is read at the left, what stands beside it at the right; below each other where there is no room. */
import { Stack } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./details.module.css";

export function Columns({ children, aside }: { children: ReactNode; aside: ReactNode }): ReactElement {
  return (
    <div className={classes.columns}>
      <Stack gap="md" miw={0}>
        {children}
      </Stack>
      <Stack gap="md" miw={0}>
        {aside}
      </Stack>
    </div>
  );
}
