import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { Memory } from "@/memory/Memory";

export const Route = createFileRoute("/memory")({ validateSearch: reading("text"), component: Memory });
