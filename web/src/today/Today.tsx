/** What needs me, what runs, what went wrong, what it costs: the cards that the person may see. */
import { Anchor, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { answered, client } from "@/api/client";
import { useMay, useMe } from "@/frame/session";
import { Clock } from "@/inbox/Inbox";
import { useInbox } from "@/inbox/queries";
import { Foreign, Page, Problem, When } from "@/kit";
import { words } from "./words";

const FEW = 5;

export function Today(): ReactElement {
  const me = useMe();
  const may = useMay();
  return (
    <Page title={words.title} about={words.hello(me.display_name)}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {may("approvals:hold:read") && <Waits />}
        {may("workflow:run:read") && <Running />}
        {may("gate:action:read") && <Wrong />}
        {may("budget:account:read") && <Budgets />}
      </SimpleGrid>
    </Page>
  );
}

function Card({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }): ReactElement {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Group justify="space-between" mb="sm">
        <Title order={2}>{title}</Title>
        {more}
      </Group>
      {children}
    </Paper>
  );
}

function Waits(): ReactElement {
  const { items, error } = useInbox();
  const more = (
    <Anchor component={Link} to="/inbox" size="sm">
      {words.toInbox} {items.length > 0 && `(${items.length})`}
    </Anchor>
  );
  return (
    <Card title={words.waits} more={more}>
      {error !== undefined && <Problem error={error} />}
      <Stack gap="sm">
        {items.length === 0 && <Text c="dimmed">{words.waitsNone}</Text>}
        {items.slice(0, FEW).map((item) => (
          <div key={item.key}>
            <Anchor component={Link} to={item.to} c="inherit">
              <Foreign text={item.title} line first={160} />
            </Anchor>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={item.who} line first={40} /> ·{" "}
              {item.until === null ? <When at={item.at} /> : <Clock until={item.until} />}
            </Text>
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Running(): ReactElement {
  const found = useQuery({
    queryKey: ["runs", "running"],
    queryFn: () =>
      answered(
        client.GET("/api/runs", { params: { query: { status: ["new", "running", "compensating"], limit: FEW } } }),
      ),
  });
  const items = found.data?.items ?? [];
  return (
    <Card title={words.runs}>
      {found.error !== null && <Problem error={found.error} />}
      <Stack gap="xs">
        {found.isSuccess && items.length === 0 && <Text c="dimmed">{words.runsNone}</Text>}
        {items.map((run) => (
          <Group key={run.id} justify="space-between" wrap="nowrap">
            <Text size="sm">
              <Foreign text={run.workflow} line first={60} />
            </Text>
            <Text size="xs" c="dimmed">
              {run.status} · <When at={run.created_at} />
            </Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function Wrong(): ReactElement {
  const states = ["failed", "unknown", "denied"] as const;
  const found = useQuery({
    queryKey: ["actions", "wrong"],
    queryFn: async () => {
      const since = new Date().setHours(0, 0, 0, 0);
      const asked = states.map((state) =>
        answered(client.GET("/api/actions", { params: { query: { state, since, limit: FEW } } })),
      );
      return (await Promise.all(asked)).flatMap((page) => page.items).sort((one, other) => other.at - one.at);
    },
  });
  return (
    <Card title={words.wrong}>
      {found.error !== null && <Problem error={found.error} />}
      <Stack gap="xs">
        {found.data?.length === 0 && <Text c="dimmed">{words.wrongNone}</Text>}
        {found.data?.slice(0, FEW).map((one) => (
          <div key={one.id}>
            <Text size="sm">
              {one.agent_name} · {one.tool} · {one.state}
            </Text>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={one.message ?? one.code ?? ""} line first={140} /> · <When at={one.at} />
            </Text>
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Budgets(): ReactElement {
  const found = useQuery({
    queryKey: ["budgets", "today"],
    queryFn: () => answered(client.GET("/api/budgets", { params: { query: { limit: FEW } } })),
  });
  return (
    <Card title={words.budgets}>
      {found.error !== null && <Problem error={found.error} />}
      <Stack gap="sm">
        {found.data?.items.length === 0 && <Text c="dimmed">{words.budgetsNone}</Text>}
        {found.data?.items.map((one) => (
          <div key={one.name}>
            <Group justify="space-between">
              <Text size="sm">{one.name}</Text>
              <Text size="xs" c="dimmed">
                {one.summary}
              </Text>
            </Group>
            <Progress
              value={Math.min(100, one.percent)}
              color={one.warned ? "orange" : "lagoon"}
              aria-label={`${one.name}: ${one.percent} %`}
            />
          </div>
        ))}
      </Stack>
    </Card>
  );
}
