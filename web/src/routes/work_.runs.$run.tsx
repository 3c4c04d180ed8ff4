import { createFileRoute } from "@tanstack/react-router";
import { runQuery } from "@/work/queries";
import { Run } from "@/work/Run";

export const Route = createFileRoute("/work_/runs/$run")({
  loader: ({ context, params }) => context.queries.ensureQueryData(runQuery(params.run)),
  component: () => <Run id={Route.useParams().run} />,
});
