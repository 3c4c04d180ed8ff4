import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Log } from "@/audit/Log";
import { FILTERS } from "@/audit/Log.search";

export const Route = createFileRoute("/audit/log")({ validateSearch: reading(...FILTERS), component: Log });
