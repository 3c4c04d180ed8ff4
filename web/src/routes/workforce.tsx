import { createFileRoute } from "@tanstack/react-router";
import { Workforce, type Search } from "@/workforce/Workforce";
import { VIEWS } from "@/workforce/Workforce.search";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export const Route = createFileRoute("/workforce")({
  validateSearch: (search): Search => ({
    view: VIEWS.find((one) => one === search.view),
    state: text(search.state),
    unit: text(search.unit),
    role: text(search.role),
    sponsor: text(search.sponsor),
    with: Array.isArray(search.with) ? search.with.filter((one) => typeof one === "string") : undefined,
  }),
  component: () => <Workforce search={Route.useSearch()} />,
});
