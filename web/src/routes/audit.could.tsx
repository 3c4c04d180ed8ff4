import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Could, FILTERS } from "@/audit/Could";

export const Route = createFileRoute("/audit/could")({ validateSearch: reading(...FILTERS), component: Could });
