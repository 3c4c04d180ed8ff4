/** One memory space: what it is for, what is in it, and its declaration. */
import { Stack, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client } from "@/api/client";
import { Belongs, Declared, Revisions } from "@/change/Declared";
import { objectQuery } from "@/change/queries";
import { useFilters } from "@/frame/filters";
import { useMay } from "@/frame/session";
import { Columns, Details, Foreign, Page, Section, TextFilter } from "@/kit";
import { Items } from "./Items";
import { words } from "./words";

export function Space({ name }: { name: string }): ReactElement {
  const found = useSuspenseQuery(objectQuery("MemorySpace", name)).data;
  const [filters, set] = useFilters(["text"]);
  const may = useMay()("memory:item:read");
  return (
    <Page title={name} about={<Foreign text={found.description} />}>
      <Columns
        aside={
          <>
            <Section title={words.about_it}>
              <Stack gap="sm">
                <Figures name={name} />
                <Belongs found={found} />
              </Stack>
            </Section>
            <Revisions found={found} />
          </>
        }
      >
        {may && (
          <>
            <TextFilter label={words.search} value={filters.text} set={(text) => set({ text })} wide />
            {filters.text === undefined ? (
              <Text c="dimmed">{words.hint}</Text>
            ) : (
              <Items text={filters.text} space={name} />
            )}
          </>
        )}
        <Declared found={found} />
      </Columns>
    </Page>
  );
}

const MOST = 500;

function Figures({ name }: { name: string }): ReactElement | null {
  const spaces = useQuery({
    queryKey: ["memory", "spaces", "all"],
    queryFn: () => answered(client.GET("/api/memory/spaces", { params: { query: { limit: MOST } } })),
  });
  const space = spaces.data?.items.find((one) => one.name === name);
  if (space === undefined) return null;
  return (
    <Details
      of={[
        [words.facts.owner, space.owner],
        [words.facts.retention, space.retention],
        [words.facts.freshness, space.freshness],
        [words.facts.data, space.data.join(", ")],
        [words.facts.items, space.items],
        [words.facts.saved, space.saved],
        [words.facts.begun, space.begun],
      ]}
    />
  );
}
