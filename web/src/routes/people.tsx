import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { FILTERS, People } from "@/people/People";

export const Route = createFileRoute("/people")({ validateSearch: reading(...FILTERS), component: People });
