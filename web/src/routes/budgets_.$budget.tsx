import { createFileRoute } from "@tanstack/react-router";
import { Budget } from "@/budgets/Budget";
import { budgetQuery } from "@/budgets/queries";

export const Route = createFileRoute("/budgets_/$budget")({
  loader: ({ context, params }) => context.queries.ensureQueryData(budgetQuery(params.budget)),
  component: () => <Budget name={Route.useParams().budget} />,
});
