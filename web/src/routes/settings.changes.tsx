import { createFileRoute } from "@tanstack/react-router";
import { Changes } from "@/settings/Changes";

export const Route = createFileRoute("/settings/changes")({ component: Changes });
