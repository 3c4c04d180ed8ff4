/** Several views of one thing, one shown at a time; which, stands in the address. */
import { Tabs } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";

interface Props<View extends string> {
  /** What they are views of, for readers of screens. */
  label: string;
  names: Record<View, string>;
  /** In their order; what is left out is not for this person. */
  views: readonly View[];
  shown: View;
  show: (view: View) => void;
  of: (view: View) => ReactNode;
}

export function Views<View extends string>({ label, names, views, shown, show, of }: Props<View>): ReactElement {
  return (
    <Tabs value={shown} onChange={(view) => show(view as View)} keepMounted={false}>
      <Tabs.List aria-label={label} mb="md">
        {views.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {names[one]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {views.map((one) => (
        <Tabs.Panel key={one} value={one}>
          {of(one)}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
