import { createFileRoute } from "@tanstack/react-router";
import { workflowQuery } from "@/work/queries";
import { Workflow } from "@/work/Workflow";

export const Route = createFileRoute("/work_/$workflow")({
  loader: ({ context, params }) => context.queries.ensureQueryData(workflowQuery(params.workflow)),
  component: () => <Workflow name={Route.useParams().workflow} />,
});
