import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Policies } from "@/policies/Policies";

export const Route = createFileRoute("/policies")({ validateSearch: reading(...FILTERS), component: Policies });
