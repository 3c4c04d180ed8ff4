import { createFileRoute } from "@tanstack/react-router";
import { Action } from "@/actions/Action";
import { actionQuery } from "@/actions/queries";

export const Route = createFileRoute("/actions_/$action")({
  loader: ({ context, params }) => context.queries.ensureQueryData(actionQuery(params.action)),
  component: () => <Action action={Route.useParams().action} />,
});
