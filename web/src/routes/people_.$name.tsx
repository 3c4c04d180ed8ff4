import { createFileRoute } from "@tanstack/react-router";
import { Person } from "@/people/Person";
import { personQuery } from "@/people/queries";

export const Route = createFileRoute("/people_/$name")({
  loader: ({ context, params }) => context.queries.ensureQueryData(personQuery(params.name)),
  component: () => <Person name={Route.useParams().name} />,
});
