import { createFileRoute } from "@tanstack/react-router";
import { Approval } from "@/inbox/Approval";
import { approvalQuery } from "@/inbox/queries";

export const Route = createFileRoute("/inbox/$action")({
  loader: ({ context, params }) => context.queries.ensureQueryData(approvalQuery(params.action)),
  component: () => <Approval action={Route.useParams().action} />,
});
