import { createFileRoute } from "@tanstack/react-router";
import { Audit } from "@/audit/Audit";

export const Route = createFileRoute("/audit")({ component: Audit });
