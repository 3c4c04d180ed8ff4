import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Tools } from "@/tools/Tools";
import { FILTERS } from "@/tools/Tools.search";

export const Route = createFileRoute("/tools")({ validateSearch: reading(...FILTERS), component: Tools });
