import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Policies } from "@/policies/Policies";
import { FILTERS } from "@/policies/Policies.search";

export const Route = createFileRoute("/policies")({ validateSearch: reading(...FILTERS), component: Policies });
