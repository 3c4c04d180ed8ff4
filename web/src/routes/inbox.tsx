import { createFileRoute } from "@tanstack/react-router";
import { Inbox } from "@/inbox/Inbox";

export const Route = createFileRoute("/inbox")({ component: Inbox });
