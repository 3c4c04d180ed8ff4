import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Sample } from "@/audit/Sample";
import { FILTERS } from "@/audit/Sample.search";

export const Route = createFileRoute("/audit/sample")({ validateSearch: reading(...FILTERS), component: Sample });
