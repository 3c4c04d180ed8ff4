/** Out of office: who decides for me while I am away, and for whom I decide. */
import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useMay, useMe } from "@/frame/session";
import { Problem, When } from "@/kit";
import { usePeople } from "./queries";
import { words } from "./words";

export function Away(): ReactElement | null {
  const may = useMay()("approvals:absence:declare");
  const [opened, dialog] = useDisclosure();
  if (!may) return null;
  return (
    <>
      <Button variant="default" size="xs" onClick={dialog.open}>
        {words.away.open}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={words.away.title} centered>
        <Absences />
      </Modal>
    </>
  );
}

function Absences(): ReactElement {
  const me = useMe().name;
  const queries = useQueryClient();
  const found = useQuery({
    queryKey: ["absences", me],
    queryFn: () => answered(client.GET("/api/absences", { params: { query: { person: me } } })),
  });
  const again = () => lookAgain(queries, ["absences"]);
  const end = useMutation({
    mutationFn: (absence: string) =>
      answered(client.POST("/api/absences/{absence}/end", { params: { path: { absence } } })),
    onSuccess: again,
  });
  return (
    <Stack>
      <Text size="sm">{words.away.about}</Text>
      {found.data?.items.map((one) => (
        <Absence key={one.id} found={one} mine={one.person === me} end={() => end.mutate(one.id)} />
      ))}
      {end.error !== null && <Problem error={end.error} />}
      <Declare done={again} />
    </Stack>
  );
}

function Absence({
  found,
  mine,
  end,
}: {
  found: Schemas["AbsenceAnswer"];
  mine: boolean;
  end: () => void;
}): ReactElement {
  return (
    <Group justify="space-between">
      <Text size="sm">
        {mine ? words.away.now(found.deputy) : words.away.forOther(found.person)} · {words.until}{" "}
        <When at={found.until} />
      </Text>
      {mine && (
        <Button size="xs" variant="default" onClick={end}>
          {words.away.end}
        </Button>
      )}
    </Group>
  );
}

function Declare({ done }: { done: () => Promise<void> }): ReactElement {
  const me = useMe().name;
  const people = usePeople().data?.items ?? [];
  const [deputy, setDeputy] = useState<string | null>(null);
  const [since, setSince] = useState(local(Date.now()));
  const [until, setUntil] = useState("");
  const declare = useMutation({
    mutationFn: () => {
      const body = { deputy: deputy ?? "", since: new Date(since).getTime(), until: new Date(until).getTime() };
      return answered(client.POST("/api/absences", { body }));
    },
    onSuccess: done,
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    declare.mutate();
  };
  const others = people.filter((one) => one.name !== me);
  return (
    <form onSubmit={send}>
      <Stack gap="sm">
        {others.length > 0 ? (
          <Select
            label={words.away.deputy}
            searchable
            required
            value={deputy}
            onChange={setDeputy}
            data={others.map((one) => ({ value: one.name, label: one.display_name }))}
          />
        ) : (
          <TextInput
            label={words.away.deputy}
            required
            value={deputy ?? ""}
            onChange={(event) => setDeputy(event.currentTarget.value)}
          />
        )}
        <Group grow>
          <TextInput
            type="datetime-local"
            label={words.away.since}
            required
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
          />
          <TextInput
            type="datetime-local"
            label={words.away.until}
            required
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
          />
        </Group>
        {declare.error !== null && <Problem error={declare.error} />}
        <Button type="submit" loading={declare.isPending}>
          {words.away.declare}
        </Button>
      </Stack>
    </form>
  );
}

/** A time as the browser's own field for it wants it. */
function local(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
