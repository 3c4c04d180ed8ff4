import { createFileRoute } from "@tanstack/react-router";
import { actionQuery } from "@/actions/queries";
import { Review } from "@/inbox/Review";

export const Route = createFileRoute("/inbox/reviews/$action")({
  loader: ({ context, params }) => context.queries.ensureQueryData(actionQuery(params.action)),
  component: () => <Review action={Route.useParams().action} />,
});
