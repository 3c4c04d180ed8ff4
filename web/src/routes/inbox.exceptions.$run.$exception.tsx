import { createFileRoute } from "@tanstack/react-router";
import { Exception } from "@/inbox/Exception";
import { exceptionsQuery } from "@/inbox/queries";

export const Route = createFileRoute("/inbox/exceptions/$run/$exception")({
  loader: ({ context }) => context.queries.ensureQueryData(exceptionsQuery),
  component: () => {
    const { run, exception } = Route.useParams();
    return <Exception run={run} exception={exception} />;
  },
});
