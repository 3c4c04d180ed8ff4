/** What an agent does at this moment, and what it has done. */
import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { addressOfId } from "@/frame/addresses";
import { DataTable, EmptyState, Foreign, Money, Problem, Section, State, When } from "@/kit";
import { words } from "./words";

type Action = Schemas["ActionAnswer"];

const UNDER_WAY = ["running", "held"] as const;
const FEW = 10;

export function Live({ agent }: { agent: string }): ReactElement {
  const found = useQuery({
    queryKey: ["actions", "live", agent],
    queryFn: async () => {
      const asked = UNDER_WAY.map((state) =>
        answered(client.GET("/api/actions", { params: { query: { agent, state, limit: FEW } } })),
      );
      return (await Promise.all(asked)).flatMap((page) => page.items);
    },
  });
  return (
    <Section title={words.agent.live}>
      {found.error !== null && <Problem error={found.error} />}
      {found.data?.length === 0 && <Text c="dimmed">{words.agent.liveNone}</Text>}
      <Stack gap={6}>
        {found.data?.map((one) => (
          <Text size="sm" key={one.id} component="div">
            <State of={one.state} /> {one.tool} · <When at={one.at} />
          </Text>
        ))}
      </Stack>
    </Section>
  );
}

export function Deeds({ agent }: { agent: string }): ReactElement {
  const navigate = useNavigate();
  return (
    <DataTable<Action>
      label={words.agent.history}
      queryKey={["actions", "of", agent]}
      page={(after) => answered(client.GET("/api/actions", { params: { query: { agent, after, limit: 50 } } }))}
      keyOf={(row) => row.id}
      open={(row) => void navigate({ to: addressOfId(row.id) ?? "/" })}
      columns={[
        {
          name: words.actions.tool,
          of: (row) => (
            <>
              <Text size="sm" fw={550}>
                {row.tool}
              </Text>
              {(row.message ?? row.code) !== null && (
                <Text size="xs" c="dimmed" component="div">
                  <Foreign text={row.message ?? row.code ?? ""} line first={120} />
                </Text>
              )}
            </>
          ),
        },
        { name: words.actions.state, of: (row) => <State of={row.state} /> },
        { name: words.actions.case, wide: true, of: (row) => <Foreign text={row.case} line first={40} /> },
        {
          name: words.actions.cost,
          right: true,
          wide: true,
          of: (row) => (row.money > 0 ? <Money minor={row.money} /> : "–"),
        },
        { name: words.actions.when, of: (row) => <When at={row.at} /> },
      ]}
      empty={<EmptyState title={words.noActions.title} about={words.noActions.about} />}
    />
  );
}
