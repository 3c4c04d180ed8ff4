import { createFileRoute } from "@tanstack/react-router";
import { Work, type Search } from "@/work/Work";
import { VIEWS } from "@/work/Work.search";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export const Route = createFileRoute("/work")({
  validateSearch: (search): Search => ({
    view: VIEWS.find((one) => one === search.view),
    workflow: text(search.workflow),
    state: text(search.state),
  }),
  component: () => <Work search={Route.useSearch()} />,
});
