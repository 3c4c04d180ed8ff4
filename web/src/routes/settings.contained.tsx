import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Contained } from "@/settings/Contained";

export const Route = createFileRoute("/settings/contained")({ validateSearch: reading("ended"), component: Contained });
