import { createFileRoute } from "@tanstack/react-router";
import { Figures, type Search } from "@/figures/Figures";
import { DAYS } from "@/figures/Figures.search";
import { BYS } from "@/figures/queries";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export const Route = createFileRoute("/figures")({
  validateSearch: (search): Search => ({
    by: BYS.find((one) => one === search.by),
    of: text(search.of),
    days: DAYS.find((one) => one === String(search.days)),
    figure: text(search.figure),
    with: Array.isArray(search.with) ? search.with.filter((one) => typeof one === "string") : undefined,
  }),
  component: () => <Figures search={Route.useSearch()} />,
});
