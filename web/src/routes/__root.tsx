import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Outlet } from "@tanstack/react-router";
import { Suspense } from "react";
import { Refused } from "@/api/client";
import { Frame } from "@/frame/Frame";
import { coverWhenExpired, leaveForLogin, meQuery } from "@/frame/session";

export const Route = createRootRouteWithContext<{ queries: QueryClient }>()({
  beforeLoad: async ({ context }) => {
    try {
      await context.queries.ensureQueryData(meQuery);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      leaveForLogin();
      await new Promise(() => undefined); // the browser is on its way to the page where people sign in
    }
    coverWhenExpired(context.queries);
  },
  component: () => (
    <Frame>
      <Suspense>
        <Outlet />
      </Suspense>
    </Frame>
  ),
});
