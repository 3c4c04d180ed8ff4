import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Log } from "@/audit/Log";

export const Route = createFileRoute("/audit/log")({ validateSearch: reading(...FILTERS), component: Log });
