import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Organisation } from "@/settings/Organisation";
import { FILTERS } from "@/settings/Organisation.search";

export const Route = createFileRoute("/settings/")({ validateSearch: reading(...FILTERS), component: Organisation });
