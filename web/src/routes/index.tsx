import { createFileRoute } from "@tanstack/react-router";
import { Today, type Search } from "@/today/Today";
import { AUDIENCES } from "@/today/Today.search";

export const Route = createFileRoute("/")({
  validateSearch: (search): Search => ({ audience: AUDIENCES.find((one) => one === search.audience) }),
  component: () => <Today search={Route.useSearch()} />,
});
