import { createFileRoute } from "@tanstack/react-router";
import { objectQuery } from "@/change/queries";
import { reading } from "@/frame/filters";
import { Space } from "@/memory/Space";

export const Route = createFileRoute("/memory_/$space")({
  validateSearch: reading("text"),
  loader: ({ context, params }) => context.queries.ensureQueryData(objectQuery("MemorySpace", params.space)),
  component: () => <Space name={Route.useParams().space} />,
});
