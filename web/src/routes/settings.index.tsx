import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Organisation } from "@/settings/Organisation";

export const Route = createFileRoute("/settings/")({ validateSearch: reading(...FILTERS), component: Organisation });
