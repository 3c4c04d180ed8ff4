/** A random sample of leaves, which anybody can draw again, verified one by one. */
import { Button, Group, NativeSelect, NumberInput, Skeleton, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { startOf, useFilters, type Filters } from "@/frame/filters";
import { Details, Foreign, Id, Problem, Section, When, To } from "@/kit";
import { Proofs } from "@/proof/Proofs";
import { unsaidLeaves } from "@/proof/said";
import { words as proving } from "@/proof/words";
import { actionOf, at, kindOf, KINDS, what, who } from "./leaf";
import { words } from "./words";
import { FILTERS } from "./Sample.search";

type Filter = (typeof FILTERS)[number];

const BY = ["tool", "agent", "unit", "policy", "case"] as const;
const FEW = 25;

export function Sample(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const isAsked = filters.seed !== undefined;
  return (
    <Section title={words.sample.title}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {words.sample.about}
        </Text>
        <Form filters={filters} draw={set} />
        {isAsked && <Drawn filters={filters} keep={(size) => set({ size })} />}
      </Stack>
    </Section>
  );
}

function Form({ filters, draw }: { filters: Filters<Filter>; draw: (asked: Filters<Filter>) => void }): ReactElement {
  const [asked, setAsked] = useState<Filters<Filter>>(filters);
  const change = (more: Filters<Filter>) => setAsked({ ...asked, ...more });
  const send = (event: FormEvent) => {
    event.preventDefault();
    draw({ ...asked, seed: asked.seed || fresh(), size: undefined });
  };
  return (
    <form onSubmit={send} aria-label={words.sample.title}>
      <Group gap="sm" align="flex-end">
        <NativeSelect
          label={words.sample.of}
          value={asked.by ?? ""}
          onChange={(event) => change({ by: event.currentTarget.value || undefined, kind: undefined })}
          data={[
            { value: "", label: words.sample.kinds },
            ...BY.map((by) => ({ value: by, label: words.sample.by[by] })),
          ]}
        />
        {asked.by === undefined ? (
          <NativeSelect
            label={words.sample.kind}
            value={asked.kind ?? "intent"}
            onChange={(event) => change({ kind: event.currentTarget.value })}
            data={[...KINDS]}
          />
        ) : (
          <TextInput
            label={words.sample.value}
            value={asked.value ?? ""}
            onChange={(event) => change({ value: event.currentTarget.value })}
            required
          />
        )}
        <NumberInput
          label={words.sample.count}
          w={110}
          min={1}
          max={500}
          value={Number(asked.count ?? FEW)}
          onChange={(count) => change({ count: String(count) })}
        />
        <TextInput
          type="date"
          label={words.sample.since}
          value={asked.since ?? ""}
          onChange={(event) => change({ since: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={words.sample.until}
          value={asked.until ?? ""}
          onChange={(event) => change({ until: event.currentTarget.value })}
        />
        <TextInput
          label={words.sample.seed}
          value={asked.seed ?? ""}
          maxLength={80}
          onChange={(event) => change({ seed: event.currentTarget.value })}
        />
        <Button type="submit">{words.sample.draw}</Button>
      </Group>
    </form>
  );
}

function fresh(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface DrawnProps {
  filters: Filters<Filter>;
  /** Put the size of the log into the address, so that it draws the same again when the log has grown. */
  keep: (size: string) => void;
}

function Drawn({ filters, keep }: DrawnProps): ReactElement {
  const by = BY.find((one) => one === filters.by);
  const found = useQuery({
    queryKey: ["sample", filters],
    queryFn: () =>
      answered(
        client.GET("/api/audit/sample", {
          params: {
            query: {
              kind: by === undefined ? kindOf(filters.kind) : undefined,
              by,
              value: by === undefined ? undefined : filters.value,
              count: Number(filters.count ?? FEW),
              seed: filters.seed,
              since: startOf(filters.since),
              until: startOf(filters.until, 1),
              size: filters.size === undefined ? undefined : Number(filters.size),
            },
          },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const size = found.data?.size;
  useEffect(() => {
    if (size !== undefined && filters.size === undefined) keep(String(size));
  }, [size, filters.size, keep]);
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Skeleton height={180} />;
  return (
    <Stack gap="md">
      <Details
        of={[
          [words.sample.population, found.data.population.toLocaleString("en")],
          [words.sample.drawn, found.data.items.length],
          [words.sample.seed.split(" ")[0] ?? "", <Id key="seed" id={found.data.seed} />],
          [words.verify.size, found.data.size.toLocaleString("en")],
          [words.sample.method, found.data.method],
        ]}
      />
      {found.data.items.length === 0 ? (
        <Text c="dimmed">{words.sample.none}</Text>
      ) : (
        <>
          <Leaves items={found.data.items} />
          <Verified items={found.data.items} />
        </>
      )}
    </Stack>
  );
}

function Leaves({ items }: { items: readonly Schemas["DrawnAnswer"][] }): ReactElement {
  return (
    <Table verticalSpacing={4} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{words.sample.leaf}</Table.Th>
          <Table.Th>{words.sample.what}</Table.Th>
          <Table.Th visibleFrom="sm">{words.sample.who}</Table.Th>
          <Table.Th visibleFrom="sm">{words.sample.at}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map(({ index, leaf }) => (
          <Table.Tr key={index}>
            <Table.Td>
              <To size="sm" to="/audit/log" search={{ leaf: String(index) }}>
                {index}
              </To>
            </Table.Td>
            <Table.Td>
              <Described leaf={leaf} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <Foreign text={who(leaf)} line first={60} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <When at={at(leaf)} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Described({ leaf }: { leaf: Record<string, unknown> }): ReactElement {
  const action = actionOf(leaf);
  const text = <Foreign text={what(leaf)} line first={120} />;
  return action === undefined ? (
    text
  ) : (
    <To size="sm" to="/actions/$action" params={{ action: action }}>
      {text}
    </To>
  );
}

function Verified({ items }: { items: readonly Schemas["DrawnAnswer"][] }): ReactElement {
  const [asked, setAsked] = useState(false);
  const indices = items.map(({ index }) => index);
  const found = useQuery({
    queryKey: ["proofs", "leaves", ...indices],
    queryFn: async () => {
      const proofs = [];
      for (const index of indices)
        proofs.push(await answered(client.GET("/api/audit/proof/{index}", { params: { path: { index } } })));
      return proofs;
    },
    enabled: asked,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!asked) {
    return (
      <Group>
        <Button size="xs" variant="light" onClick={() => setAsked(true)}>
          {words.sample.verify}
        </Button>
      </Group>
    );
  }
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Text c="dimmed">{proving.verifying} …</Text>;
  const wrong = unsaidLeaves(items, found.data);
  return <Proofs proofs={found.data} unsaid={wrong} />;
}
