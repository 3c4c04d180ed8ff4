import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Access } from "@/settings/Access";

export const Route = createFileRoute("/settings/access")({ validateSearch: reading("kind"), component: Access });
