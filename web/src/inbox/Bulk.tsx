/** Decides equal approvals together: one agent, one tool. Each is decided on what it shows, as if it were alone. */
import { Alert, Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client } from "@/api/client";
import { approvalQuery, type Item } from "./queries";
import { words } from "./words";

/** Whether two of them may be decided together. */
export function equal(one: Item, other: Item): boolean {
  const [left, right] = [one.approval, other.approval];
  return left !== undefined && right !== undefined && left.agent === right.agent && left.tool === right.tool;
}

export function Bulk({ items, clear }: { items: readonly Item[]; clear: () => void }): ReactElement {
  const queries = useQueryClient();
  const approve = useMutation({
    mutationFn: async () => {
      const done = await Promise.allSettled(
        items.map(async ({ key: action }) => {
          const { shown } = await queries.fetchQuery(approvalQuery(action));
          return answered(
            client.POST("/api/approvals/{action}/decision", {
              params: { path: { action } },
              body: { verdict: "approve", shown, reason: "" },
            }),
          );
        }),
      );
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
    <Alert color="lagoon" variant="light" p="xs">
      <Group gap="sm">
        <Text size="sm">{words.bulk.selected(items.length)}</Text>
        <Button size="xs" loading={approve.isPending} onClick={() => approve.mutate()}>
          {words.bulk.approve(items.length)}
        </Button>
        <Button size="xs" variant="default" onClick={clear}>
          {words.bulk.clear}
        </Button>
        <Text size="xs" c="dimmed">
          {words.bulk.unequal}
        </Text>
      </Group>
    </Alert>
  );
}
