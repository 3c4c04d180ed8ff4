import { createFileRoute } from "@tanstack/react-router";
import { objectQuery } from "@/change/queries";
import { ObjectPage } from "@/settings/ObjectPage";

export const Route = createFileRoute("/settings_/objects/$kind/$name")({
  loader: ({ context, params }) => context.queries.ensureQueryData(objectQuery(params.kind, params.name)),
  component: () => <ObjectPage {...Route.useParams()} />,
});
