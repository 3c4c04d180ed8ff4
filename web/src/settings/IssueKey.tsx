/** Issues a key of another system or of a site. It is shown this once, and is gone when the dialog closes. */
import { Alert, Button, Group, Modal, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useMay } from "@/frame/session";
import { Command, Problem } from "@/kit";
import { words } from "./words";

type Kind = "service" | "site";
type Service = Schemas["ServiceIssue"];

const NEEDS: Record<Kind, string> = { service: "identity:service:issue", site: "identity:credential:issue" };
const PURPOSES: readonly Service["purpose"][] = ["authzen", "scim"];
const DAYS = ["30", "90", "365"] as const;
const DAY_MS = 86_400_000;

export function IssueKey({ kind }: { kind: Kind }): ReactElement | null {
  const may = useMay()(NEEDS[kind]);
  const [opened, { open, close }] = useDisclosure();
  if (!may) return null;
  return (
    <>
      <Button size="xs" variant="light" onClick={open}>
        {words.keys.issue[kind]}
      </Button>
      <Modal opened={opened} onClose={close} title={words.keys.issue[kind]} closeOnClickOutside={false} centered>
        <Form kind={kind} close={close} />
      </Modal>
    </>
  );
}

interface Asked {
  name: string;
  purpose: Service["purpose"];
  provider: string;
  days: string;
}

function Form({ kind, close }: { kind: Kind; close: () => void }): ReactElement {
  const [asked, setAsked] = useState<Asked>({ name: "", purpose: "authzen", provider: "", days: "365" });
  const set = (change: Partial<Asked>) => setAsked({ ...asked, ...change });
  const queries = useQueryClient();
  const issue = useMutation({
    mutationFn: () => issued(kind, asked),
    onSuccess: () => lookAgain(queries, ["keys"]),
    gcTime: 0, // what was issued is forgotten with the dialog
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    issue.mutate();
  };
  if (issue.data !== undefined) return <Once secret={issue.data} close={close} />;
  return (
    <form onSubmit={send}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.keys.issueAbout[kind]}
        </Text>
        {issue.error !== null && <Problem error={issue.error} />}
        <TextInput
          label={words.keys.named[kind]}
          value={asked.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          maxLength={63}
          required
          data-autofocus
        />
        {kind === "service" && (
          <NativeSelect
            label={words.keys.service.purpose}
            value={asked.purpose}
            onChange={(event) => set({ purpose: event.currentTarget.value as Service["purpose"] })}
            data={PURPOSES.map((one) => ({ value: one, label: words.keys.purposes[one] }))}
          />
        )}
        {kind === "service" && asked.purpose === "scim" && (
          <TextInput
            label={words.keys.provider}
            value={asked.provider}
            onChange={(event) => set({ provider: event.currentTarget.value })}
            maxLength={63}
            required
          />
        )}
        <NativeSelect
          label={words.keys.lasting}
          value={asked.days}
          onChange={(event) => set({ days: event.currentTarget.value })}
          data={DAYS.map((days) => ({ value: days, label: words.keys.days(days) }))}
        />
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={issue.isPending}>
            {words.keys.go}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Once({ secret, close }: { secret: string; close: () => void }): ReactElement {
  return (
    <Stack gap="sm">
      <Alert color="orange" title={words.keys.once}>
        {words.keys.onceAbout}
      </Alert>
      <Command text={secret} />
      <Group justify="flex-end">
        <Button size="sm" onClick={close}>
          {words.keys.kept}
        </Button>
      </Group>
    </Stack>
  );
}

async function issued(kind: Kind, { name, purpose, provider, days }: Asked): Promise<string> {
  if (kind === "site") {
    const made = await answered(client.POST("/api/site-keys", { body: { site: name, ttl: `${days}d` } }));
    return made.secret;
  }
  const body = { name, purpose, provider: purpose === "scim" ? provider : "", ttl: Number(days) * DAY_MS };
  return (await answered(client.POST("/api/service-keys", { body }))).secret;
}
