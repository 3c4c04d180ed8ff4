/** The keys by which other systems and sites are known here. */
import { Button, Group, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useMay } from "@/frame/session";
import { DataTable, EmptyState, Problem, Section, When, useNow, type Column, State } from "@/kit";
import { nameOf } from "@/kit/who";
import { IssueKey } from "./IssueKey";
import { words } from "./words";

type Key = { expires_at: number; revoked_at: number | null };

export function Keys(): ReactElement {
  return (
    <Stack gap="md">
      <Section title={words.keys.services} more={<IssueKey kind="service" />}>
        <DataTable
          label={words.keys.services}
          queryKey={["keys", "services"]}
          page={(after) => answered(client.GET("/api/service-keys", { params: { query: { after } } }))}
          columns={SERVICES}
          keyOf={(one) => one.id}
          empty={<EmptyState {...words.keys.noService} />}
        />
      </Section>
      <Section title={words.keys.sites} more={<IssueKey kind="site" />}>
        <DataTable
          label={words.keys.sites}
          queryKey={["keys", "sites"]}
          page={(after) => answered(client.GET("/api/site-keys", { params: { query: { after } } }))}
          columns={SITES}
          keyOf={(one) => one.id}
          empty={<EmptyState {...words.keys.noSite} />}
        />
      </Section>
    </Stack>
  );
}

const SERVICES: readonly Column<Schemas["ServiceKeyAnswer"]>[] = [
  { name: words.keys.service.name, of: (one) => one.name },
  { name: words.keys.service.purpose, of: (one) => one.purpose },
  { name: words.keys.service.at, of: (one) => <When at={one.created_at} />, wide: true },
  { name: words.keys.service.ends, of: (one) => <When at={one.expires_at} />, wide: true },
  {
    name: words.keys.service.state,
    of: (one) => (
      <Standing
        of={one}
        needs="identity:service:revoke"
        revoke={() =>
          answered(
            client.POST("/api/service-keys/{key}/revoke", { params: { path: { key: one.id } }, body: { reason: "" } }),
          )
        }
      />
    ),
  },
];

const SITES: readonly Column<Schemas["SiteKeyAnswer"]>[] = [
  { name: words.keys.site.site, of: (one) => one.site },
  { name: words.keys.site.by, of: (one) => nameOf(one.created_by), wide: true },
  { name: words.keys.service.ends, of: (one) => <When at={one.expires_at} />, wide: true },
  {
    name: words.keys.service.state,
    of: (one) => (
      <Standing
        of={one}
        needs="identity:credential:revoke"
        revoke={() => answered(client.POST("/api/site-keys/{id}/revoke", { params: { path: { id: one.id } } }))}
      />
    ),
  },
];

interface StandingProps {
  of: Key;
  /** What one must be permitted to revoke it. */
  needs: string;
  revoke: () => Promise<unknown>;
}

function Standing({ of, needs, revoke }: StandingProps): ReactElement {
  const now = useNow();
  const may = useMay()(needs);
  const [isSure, setSure] = useState(false);
  const queries = useQueryClient();
  const revoking = useMutation({
    mutationFn: revoke,
    onSuccess: () => lookAgain(queries, ["keys"]),
  });
  const holds = of.revoked_at === null && of.expires_at > now;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <State
          of={holds ? "holds" : "over"}
          as={of.revoked_at !== null ? words.keys.revoked : holds ? words.keys.live : words.keys.over}
        />
        {holds && may && (
          <Button
            size="compact-xs"
            variant={isSure ? "filled" : "subtle"}
            color="red"
            loading={revoking.isPending}
            onClick={() => (isSure ? revoking.mutate() : setSure(true))}
            onBlur={() => setSure(false)}
          >
            {isSure ? words.keys.sure : words.keys.revoke}
          </Button>
        )}
      </Group>
      {revoking.error !== null && <Problem error={revoking.error} />}
    </Stack>
  );
}
