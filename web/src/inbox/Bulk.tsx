/** Decides equal approvals together: one agent, one tool. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client } from "@/api/client";
import { Foreign } from "@/kit";
import classes from "./inbox.module.css";
import { approvalQuery, type Item } from "./queries";
import { words } from "./words";

/** Whether two of them may be decided together. */
export function equal(one: Item, other: Item): boolean {
  const [left, right] = [one.approval, other.approval];
  return left !== undefined && right !== undefined && left.agent === right.agent && left.tool === right.tool;
}

/** Each is shown with its exact arguments before it can be decided, and decided on what was shown. */
export function Bulk({ items, clear }: { items: readonly Item[]; clear: () => void }): ReactElement {
  const queries = useQueryClient();
  const held = useQueries({
    queries: items.map((item) => approvalQuery(item.key)),
    combine: (found) => found.flatMap((one) => one.data ?? []),
  });
  const approve = useMutation({
    mutationFn: async () => {
      const done = await Promise.allSettled(held.map(({ action, shown }) => approved(action, shown)));
      return done.filter((one) => one.status === "rejected").length;
    },
    onSuccess: async (failed) => {
      notifications.show(
        failed > 0
          ? { color: "orange", message: words.bulk.failed(failed) }
          : { color: "teal", message: words.bulk.done(items.length) },
      );
      clear();
      await queries.invalidateQueries({ queryKey: ["approvals"] });
    },
  });
  return (
    <Stack className={classes.card} gap="xs" role="group" aria-label={words.bulk.selected(items.length)}>
      <Group gap="sm">
        <Text size="sm">{words.bulk.selected(items.length)}</Text>
        <Button
          size="xs"
          color="teal"
          disabled={held.length < items.length}
          loading={approve.isPending}
          onClick={() => approve.mutate()}
        >
          {words.bulk.approve(items.length)}
        </Button>
        <Button size="xs" variant="default" onClick={clear}>
          {words.bulk.clear}
        </Button>
        <Text size="xs" c="dimmed">
          {words.bulk.unequal}
        </Text>
      </Group>
      {held.map((one) => (
        <Text key={one.action} size="xs" ff="monospace" component="div">
          <Foreign text={one.canonical ?? one.consequence} />
        </Text>
      ))}
    </Stack>
  );
}

function approved(action: string, shown: string): Promise<unknown> {
  const body = { verdict: "approve" as const, shown, reason: "" };
  return answered(client.POST("/api/approvals/{action}/decision", { params: { path: { action } }, body }));
}
