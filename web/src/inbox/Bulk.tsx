/** Decides equal approvals together: one agent, one tool, and of low risk. What risks more is looked at one by one. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { Foreign, Problem } from "@/kit";
import classes from "./inbox.module.css";
import { approvalQuery, type Item } from "./queries";
import { words } from "./words";

const MOST = 50; // that the server decides together

/** Whether it may be decided together with others; the server holds the same. */
export function isLow(one: Item): boolean {
  return one.approval?.risk === "low";
}

/** Whether two of them may be decided together. */
export function equal(one: Item, other: Item): boolean {
  const isSame = one.approval?.agent === other.approval?.agent && one.approval?.tool === other.approval?.tool;
  return isLow(one) && isLow(other) && isSame;
}

/** Each is shown with its exact arguments before it can be decided, and decided on what was shown. */
export function Bulk({ items, clear }: { items: readonly Item[]; clear: () => void }): ReactElement {
  const queries = useQueryClient();
  const [openedAt] = useState(Date.now);
  const held = useQueries({
    queries: items.map((item) => approvalQuery(item.key)),
    combine: (found) => found.flatMap((one) => one.data ?? []),
  });
  const approve = useMutation({
    mutationFn: async () => {
      const looked_ms = Date.now() - openedAt; // one look at all of them: the figures count it once
      const body = {
        verdict: "approve" as const,
        reason: "",
        items: held.map(({ action, shown }) => ({ action, shown, looked_ms })),
      };
      const done = await answered(client.POST("/api/approvals/decisions", { body }));
      return done.items.filter((one) => one.code).length;
    },
    onSuccess: async (failed) => {
      notifications.show(
        failed > 0
          ? { color: "orange", message: words.bulk.failed(failed) }
          : { color: "teal", message: words.bulk.done(items.length) },
      );
      clear();
      await lookAgain(queries, ["approvals"]);
    },
  });
  return (
    <Stack className={classes.card} gap="xs" role="group" aria-label={words.bulk.selected(items.length)}>
      <Group gap="sm">
        <Text size="sm">{words.bulk.selected(items.length)}</Text>
        <Button
          size="xs"
          color="teal"
          disabled={held.length < items.length || items.length < 2 || items.length > MOST}
          loading={approve.isPending}
          onClick={() => approve.mutate()}
        >
          {words.bulk.approve(items.length)}
        </Button>
        <Button size="xs" variant="default" onClick={clear}>
          {words.bulk.clear}
        </Button>
        <Text size="xs" c="dimmed">
          {items.length > MOST ? words.bulk.tooMany(MOST) : words.bulk.unequal}
        </Text>
      </Group>
      {approve.error !== null && <Problem error={approve.error} />}
      {held.map((one) => (
        <Text key={one.action} size="xs" ff="monospace" component="div">
          <Foreign text={one.canonical ?? one.consequence} />
        </Text>
      ))}
    </Stack>
  );
}
