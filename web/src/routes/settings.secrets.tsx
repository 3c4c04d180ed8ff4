import { createFileRoute } from "@tanstack/react-router";
import { Secrets } from "@/settings/Secrets";

export const Route = createFileRoute("/settings/secrets")({ component: Secrets });
