import { createFileRoute } from "@tanstack/react-router";
import { Keys } from "@/settings/Keys";

export const Route = createFileRoute("/settings/keys")({ component: Keys });
