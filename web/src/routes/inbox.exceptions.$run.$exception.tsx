import { createFileRoute } from "@tanstack/react-router";
import { Exception } from "@/inbox/Exception";
import { exceptionQuery } from "@/inbox/queries";

export const Route = createFileRoute("/inbox/exceptions/$run/$exception")({
  loader: ({ context, params }) => context.queries.ensureQueryData(exceptionQuery(params.run, params.exception)),
  component: () => {
    const { run, exception } = Route.useParams();
    return <Exception run={run} exception={exception} />;
  },
});
