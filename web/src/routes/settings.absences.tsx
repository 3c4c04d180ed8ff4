import { createFileRoute } from "@tanstack/react-router";
import { Absences } from "@/settings/Absences";

export const Route = createFileRoute("/settings/absences")({ component: Absences });
