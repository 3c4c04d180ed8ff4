import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Could } from "@/audit/Could";
import { FILTERS } from "@/audit/Could.search";

export const Route = createFileRoute("/audit/could")({ validateSearch: reading(...FILTERS), component: Could });
