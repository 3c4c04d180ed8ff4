import { createFileRoute } from "@tanstack/react-router";
import { taskQuery } from "@/inbox/queries";
import { Task } from "@/inbox/Task";

export const Route = createFileRoute("/inbox/tasks/$task")({
  loader: ({ context, params }) => context.queries.ensureQueryData(taskQuery(params.task)),
  component: () => <Task task={Route.useParams().task} />,
});
