/** Which secrets there are and who can use them; never what they are. */
import { Group, Stack, Text } from "@mantine/core";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { DataTable, EmptyState, Section, When, type Column } from "@/kit";
import { nameOf } from "@/kit/who";
import { StoreSecret } from "./StoreSecret";
import { words } from "./words";

export function Secrets(): ReactElement {
  return (
    <Stack gap="md">
      <Section title={words.tabs.secrets} note={words.secrets.about} more={<StoreSecret />}>
        <DataTable
          label={words.tabs.secrets}
          queryKey={["secrets", "list"]}
          page={(after) => answered(client.GET("/api/secrets", { params: { query: { after } } }))}
          columns={STORED}
          keyOf={(one) => `${one.name}/${one.version}`}
          empty={<EmptyState {...words.secrets.empty} />}
        />
      </Section>
      <Section title={words.secrets.uses}>
        <DataTable
          label={words.secrets.uses}
          queryKey={["secrets", "uses"]}
          page={(after) => answered(client.GET("/api/secret-audit", { params: { query: { after } } }))}
          columns={USED}
          keyOf={(one) => `${one.secret}/${one.agent ?? ""}`}
          empty={<Text c="dimmed">{words.none}</Text>}
        />
      </Section>
    </Stack>
  );
}

const STORED: readonly Column<Schemas["SecretAnswer"]>[] = [
  { name: words.secrets.columns.name, of: (one) => one.name },
  { name: words.secrets.columns.version, of: (one) => one.version, right: true },
  {
    name: words.secrets.columns.state,
    of: (one) =>
      one.retired_at === null ? (
        <Group gap="xs">
          {words.secrets.live} <StoreSecret replaces={one.name} />
        </Group>
      ) : (
        words.secrets.retired
      ),
  },
  { name: words.secrets.columns.by, of: (one) => nameOf(one.created_by), wide: true },
  { name: words.secrets.columns.at, of: (one) => <When at={one.created_at} />, wide: true },
];

const USED: readonly Column<Schemas["SecretUseAnswer"]>[] = [
  { name: words.secrets.use.secret, of: (one) => one.secret },
  { name: words.secrets.use.agent, of: (one) => one.agent ?? "–" },
  { name: words.secrets.use.tools, of: (one) => one.tools.join(", "), wide: true },
  {
    name: words.secrets.use.last,
    of: (one) => (one.last_used === null ? words.secrets.never : <When at={one.last_used} />),
    wide: true,
  },
];
