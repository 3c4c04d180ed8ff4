import { createFileRoute } from "@tanstack/react-router";
import { objectQuery } from "@/change/queries";
import { Tool } from "@/tools/Tool";
import { toolQuery } from "@/tools/queries";

export const Route = createFileRoute("/tools_/$name")({
  loader: ({ context, params }) =>
    Promise.all([
      context.queries.ensureQueryData(toolQuery(params.name)),
      context.queries.ensureQueryData(objectQuery("Tool", params.name)),
    ]),
  component: () => <Tool name={Route.useParams().name} />,
});
