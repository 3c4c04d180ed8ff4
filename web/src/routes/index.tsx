import { createFileRoute } from "@tanstack/react-router";
import { Today } from "@/today/Today";

export const Route = createFileRoute("/")({ component: Today });
