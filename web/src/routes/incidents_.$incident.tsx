import { createFileRoute } from "@tanstack/react-router";
import { Incident } from "@/incidents/Incident";
import { incidentQuery } from "@/incidents/queries";

export const Route = createFileRoute("/incidents_/$incident")({
  loader: ({ context, params }) => context.queries.ensureQueryData(incidentQuery(params.incident)),
  component: () => <Incident incident={Route.useParams().incident} />,
});
