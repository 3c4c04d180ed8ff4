import { createFileRoute } from "@tanstack/react-router";
import { CasePage } from "@/actions/CasePage";
import { caseQuery } from "@/actions/queries";

export const Route = createFileRoute("/actions_/cases/$case")({
  loader: ({ context, params }) => context.queries.ensureQueryData(caseQuery(params.case)),
  component: () => <CasePage name={Route.useParams().case} />,
});
