import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Sample } from "@/audit/Sample";

export const Route = createFileRoute("/audit/sample")({ validateSearch: reading(...FILTERS), component: Sample });
