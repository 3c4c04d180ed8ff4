/** A page of several parts, each with an address of its own. */
import { Tabs } from "@mantine/core";
import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { Page } from "./Page";

interface Props {
  title: string;
  about: ReactNode;
  /** Address and name of each part. */
  tabs: readonly (readonly [to: string, name: string])[];
}

export function TabbedPage({ title, about, tabs }: Props): ReactElement {
  const path = useRouterState({ select: (state) => state.location.pathname.replace(/\/$/, "") });
  const navigate = useNavigate();
  return (
    <Page title={title} about={about}>
      <Tabs value={path} onChange={(to) => to !== null && void navigate({ to })}>
        <Tabs.List mb="md">
          {tabs.map(([to, name]) => (
            <Tabs.Tab key={to} value={to}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(([to]) => (
          <Tabs.Panel key={to} value={to}>
            {to === path && <Outlet />}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
