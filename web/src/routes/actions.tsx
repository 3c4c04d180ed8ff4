import { createFileRoute } from "@tanstack/react-router";
import { Actions } from "@/actions/Actions";
import { FILTERS } from "@/actions/queries";
import { reading } from "@/frame/filters";

export const Route = createFileRoute("/actions")({ validateSearch: reading(...FILTERS), component: Actions });
