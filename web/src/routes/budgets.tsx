import { createFileRoute } from "@tanstack/react-router";
import { Budgets, type Search } from "@/budgets/Budgets";

export const Route = createFileRoute("/budgets")({
  validateSearch: (search): Search => ({
    like: typeof search.like === "string" && search.like !== "" ? search.like : undefined,
    warned: search.warned === true ? true : undefined,
  }),
  component: () => <Budgets search={Route.useSearch()} />,
});
