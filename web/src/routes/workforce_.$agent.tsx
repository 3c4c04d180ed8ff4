import { createFileRoute } from "@tanstack/react-router";
import { Agent, type View } from "@/workforce/Agent";
import { VIEWS } from "@/workforce/Agent.search";
import { agentQuery } from "@/workforce/queries";

export const Route = createFileRoute("/workforce_/$agent")({
  validateSearch: (search): { view?: View } => ({ view: VIEWS.find((one) => one === search.view) }),
  loader: ({ context, params }) => context.queries.ensureQueryData(agentQuery(params.agent)),
  component: () => <Agent name={Route.useParams().agent} view={Route.useSearch().view} />,
});
