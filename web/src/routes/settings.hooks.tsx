import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Hooks } from "@/settings/Hooks";

export const Route = createFileRoute("/settings/hooks")({ validateSearch: reading(...FILTERS), component: Hooks });
