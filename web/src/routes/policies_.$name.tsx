import { createFileRoute } from "@tanstack/react-router";
import { objectQuery } from "@/change/queries";
import { Policy } from "@/policies/Policy";

export const Route = createFileRoute("/policies_/$name")({
  loader: ({ context, params }) => context.queries.ensureQueryData(objectQuery("Policy", params.name)),
  component: () => <Policy name={Route.useParams().name} />,
});
