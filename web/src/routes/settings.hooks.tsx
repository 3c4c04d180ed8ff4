import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Hooks } from "@/settings/Hooks";
import { FILTERS } from "@/settings/Hooks.search";

export const Route = createFileRoute("/settings/hooks")({ validateSearch: reading(...FILTERS), component: Hooks });
