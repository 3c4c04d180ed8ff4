import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Incidents } from "@/incidents/Incidents";

export const Route = createFileRoute("/incidents")({ validateSearch: reading(...FILTERS), component: Incidents });
