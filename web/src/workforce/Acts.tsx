/** What a person may do to an agent: stop it, let it rest, let it work again, end it. Each with a reason on record. */
import { Button, Group, Menu, Modal, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Problem } from "@/kit";
import type { Agent } from "./queries";
import { words } from "./words";

type Act = "contain" | "suspend" | "reinstate" | "promote" | "retire";

const NEEDS: Record<Act, string> = {
  contain: "identity:containment:impose",
  suspend: "identity:agent:suspend",
  reinstate: "identity:containment:lift",
  promote: "identity:agent:promote",
  retire: "identity:agent:retire",
};

const POSSIBLE: Record<Agent["state"], readonly Act[]> = {
  draft: ["retire"],
  pilot: ["contain", "promote", "suspend", "retire"],
  active: ["contain", "suspend", "retire"],
  suspended: ["reinstate", "contain", "retire"],
  contained: ["reinstate", "retire"],
  retired: [],
};

export function Acts({ agent }: { agent: Agent }): ReactElement | null {
  const may = useMay();
  const [act, setAct] = useState<Act>();
  const [first, ...others] = POSSIBLE[agent.state].filter((one) => may(NEEDS[one]));
  if (first === undefined) return null;
  return (
    <>
      <Button
        size="xs"
        variant={first === "contain" ? "light" : "filled"}
        color={first === "contain" ? "red" : undefined}
        onClick={() => setAct(first)}
      >
        {words.acts[first]}
      </Button>
      {others.length > 0 && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="xs" variant="default">
              {words.acts.more}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((one) => (
              <Menu.Item key={one} color={one === "retire" ? "red" : undefined} onClick={() => setAct(one)}>
                {words.acts[one]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      <Modal
        opened={act !== undefined}
        onClose={() => setAct(undefined)}
        title={act && `${words.acts[act]}: ${agent.name}`}
        centered
      >
        {act && <Form key={act} agent={agent.name} act={act} close={() => setAct(undefined)} />}
      </Modal>
    </>
  );
}

interface FormProps {
  agent: string;
  act: Act;
  close: () => void;
}

function Form({ agent, act, close }: FormProps): ReactElement {
  const [reason, setReason] = useDraft(`${act}:${agent}`);
  const queries = useQueryClient();
  const needsReason = act !== "promote";
  const perform = useMutation({
    mutationFn: () => done(act, agent, reason),
    onSuccess: async (told) => {
      setReason("");
      close();
      notifications.show({ color: "teal", message: told, autoClose: 4_000 });
      await lookAgain(queries, ["agents", "containments"]);
    },
  });
  return (
    <Stack gap="sm">
      {perform.error !== null && <Problem error={perform.error} />}
      <Text size="sm">{words.acts.about[act]}</Text>
      {needsReason && (
        <Textarea
          label={words.acts.why}
          placeholder={words.acts.whyHint}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={2_000}
          autosize
          required
          data-autofocus
        />
      )}
      <Group justify="flex-end" gap="xs">
        <Button size="sm" variant="default" onClick={close}>
          {words.acts.cancel}
        </Button>
        <Button
          size="sm"
          color={act === "contain" || act === "retire" ? "red" : undefined}
          loading={perform.isPending}
          disabled={needsReason && reason.trim() === ""}
          onClick={() => perform.mutate()}
        >
          {words.acts[act]}
        </Button>
      </Group>
    </Stack>
  );
}

/** Do it, and say what came of it. */
async function done(act: Act, name: string, reason: string): Promise<string> {
  const asked = { params: { path: { name } }, body: { reason } };
  if (act === "contain") {
    const stopped = await answered(client.POST("/api/contain", { body: { scope: "agent", target: name, reason } }));
    return words.acts.stopped(stopped.in_flight.length, stopped.confirmed.length);
  }
  if (act === "suspend") await answered(client.POST("/api/agents/{name}/suspend", asked));
  if (act === "reinstate") await answered(client.POST("/api/agents/{name}/reinstate", asked));
  if (act === "retire") await answered(client.POST("/api/agents/{name}/retire", asked));
  if (act === "promote") await answered(client.POST("/api/agents/{name}/promote", { params: { path: { name } } }));
  return words.acts.done;
}
