import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Incidents } from "@/incidents/Incidents";
import { FILTERS } from "@/incidents/Incidents.search";

export const Route = createFileRoute("/incidents")({ validateSearch: reading(...FILTERS), component: Incidents });
