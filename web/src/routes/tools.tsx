import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, Tools } from "@/tools/Tools";

export const Route = createFileRoute("/tools")({ validateSearch: reading(...FILTERS), component: Tools });
