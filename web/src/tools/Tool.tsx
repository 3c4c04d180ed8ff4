/** One tool: what it takes and does, how risky it is, who used it, and its declaration. */
import { Alert, Button, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { ActionTable } from "@/actions/ActionTable";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { Belongs, Declared, Revisions } from "@/change/Declared";
import { objectQuery } from "@/change/queries";
import { useMay } from "@/frame/session";
import { Columns, Details, Foreign, Json, Page, Problem, Section } from "@/kit";
import { Risk } from "./Tools";
import { words } from "./words";
import { toolQuery } from "./queries";

export function Tool({ name }: { name: string }): ReactElement {
  const tool = useSuspenseQuery(toolQuery(name)).data;
  const found = useSuspenseQuery(objectQuery("Tool", name)).data;
  return (
    <Page title={tool.name} about={<Foreign text={tool.description} />}>
      {tool.quarantined && <Changed name={name} />}
      <Columns
        aside={
          <>
            <Section title={words.about_it}>
              <Stack gap="sm">
                <About tool={tool} />
                <Belongs found={found} />
              </Stack>
            </Section>
            <Revisions found={found} />
          </>
        }
      >
        <Section title={words.input}>
          <Json value={tool.spec.input} />
        </Section>
        <Section title={words.actions}>
          <ActionTable
            label={words.actions}
            filters={{ tool: name }}
            empty={
              <Text size="sm" c="dimmed">
                {words.none}
              </Text>
            }
          />
        </Section>
        <Declared found={found} folded />
      </Columns>
    </Page>
  );
}

function About({ tool }: { tool: Schemas["ToolDescription"] }): ReactElement {
  return (
    <Details
      of={[
        [words.facts.connector, tool.connector],
        [words.facts.effect, words.effects[tool.effect]],
        [words.facts.risk, <Risk key="risk" risk={tool.risk} />],
        [words.facts.trust, words.trust[tool.trust] + (tool.egress ? `; ${words.egress}` : "")],
        [words.facts.tags, tool.tags.join(", ")],
      ]}
    />
  );
}

function Changed({ name }: { name: string }): ReactElement {
  const may = useMay()("tools:definition:accept");
  const queries = useQueryClient();
  const accept = useMutation({
    mutationFn: () => answered(client.POST("/api/tools/{name}/accept", { params: { path: { name } } })),
    onSuccess: async () => {
      notifications.show({ color: "teal", message: words.accept.done });
      await lookAgain(queries, ["tools"]);
    },
  });
  return (
    <Alert color="orange" title={words.accept.title}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{words.accept.about}</Text>
        {accept.error !== null && <Problem error={accept.error} />}
        {may && (
          <Button size="xs" color="orange" loading={accept.isPending} onClick={() => accept.mutate()}>
            {words.accept.go}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
