import { createFileRoute } from "@tanstack/react-router";
import { reading } from "@/frame/filters";
import { People } from "@/people/People";
import { FILTERS } from "@/people/People.search";

export const Route = createFileRoute("/people")({ validateSearch: reading(...FILTERS), component: People });
