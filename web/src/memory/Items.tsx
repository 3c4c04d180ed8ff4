/** What is remembered and holds these words: each item with who said it, from where, and how far it can be trusted. */
import { Button, Group, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Details, Foreign, Json, Problem, Section, When, State } from "@/kit";
import { words } from "./words";

type Item = Schemas["ItemAnswer"];

export function Items({ text, space }: { text: string; space?: string }): ReactElement {
  const found = useQuery({
    queryKey: ["memory", "items", text, space],
    queryFn: () =>
      answered(client.GET("/api/memory/search", { params: { query: { query: text, space: space ?? null } } })),
    enabled: text.trim() !== "",
  });
  if (text.trim() === "") return <Text c="dimmed">{words.hint}</Text>;
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Skeleton height={120} />;
  return (
    <Stack gap="md">
      {found.data.items.length === 0 && <Text c="dimmed">{words.nothing}</Text>}
      {found.data.items.map((item) => (
        <One key={item.item} item={item} />
      ))}
    </Stack>
  );
}

function One({ item }: { item: Item }): ReactElement {
  const may = useMay()("memory:item:forget");
  return (
    <Section
      title={item.space}
      heading={item.title ? <Foreign text={item.title} line first={200} /> : undefined}
      note={
        <>
          {words.item.author} {item.author.replace(/^(person|agent):/, "")} · <When at={item.at} /> · {item.space}
        </>
      }
      more={may && <Forget item={item} />}
    >
      <Stack gap="xs">
        <Group gap="xs">
          <State of={item.trust} />
          {item.stale && <State of="stale" as={words.item.stale} />}
          {item.reused > 0 && (
            <Text span size="xs" c="dimmed">
              {words.item.reused(item.reused)}
            </Text>
          )}
        </Group>
        <Text>
          <Foreign text={item.text} />
        </Text>
        {item.data && <Json value={item.data} />}
        <Details
          of={[
            [words.item.source, item.source && <Foreign text={item.source} line first={200} />],
            [words.item.tags, item.tags && <Foreign text={item.tags.join(", ")} line first={200} />],
            [words.item.case, item.case && <Foreign text={item.case} line first={60} />],
            [words.item.origins, item.origins && <Foreign text={item.origins.join(", ")} line first={200} />],
            [words.item.until, item.valid_until && <When at={item.valid_until} />],
          ]}
        />
      </Stack>
    </Section>
  );
}

function Forget({ item }: { item: Item }): ReactElement {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useDraft(`forget:${item.item}`);
  const queries = useQueryClient();
  const forget = useMutation({
    mutationFn: () =>
      answered(client.POST("/api/memory/forget", { body: { space: item.space, item: item.item, reason } })),
    onSuccess: async ({ forgotten }) => {
      setReason("");
      notifications.show({ color: "teal", message: words.forget.done(forgotten) });
      await lookAgain(queries, ["memory"]);
    },
  });
  if (!asking) {
    return (
      <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setAsking(true)}>
        {words.forget.open}
      </Button>
    );
  }
  const send = (event: FormEvent) => {
    event.preventDefault();
    forget.mutate();
  };
  return (
    <form onSubmit={send}>
      {forget.error !== null && <Problem error={forget.error} />}
      <Group gap="xs">
        <TextInput
          size="xs"
          aria-label={words.forget.reason}
          placeholder={words.forget.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          autoFocus
        />
        <Button size="xs" type="submit" color="red" loading={forget.isPending} disabled={reason.trim() === ""}>
          {words.forget.go}
        </Button>
      </Group>
    </form>
  );
}
