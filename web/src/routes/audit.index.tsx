import { createFileRoute } from "@tanstack/react-router";
import { Verify } from "@/audit/Verify";

export const Route = createFileRoute("/audit/")({ component: Verify });
