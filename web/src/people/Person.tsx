/** One person: roles and access, how they sign in, who decides while they are away; inviting and letting go. */
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import type { FormEvent, ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { Belongs, Declared, Revisions } from "@/change/Declared";
import { objectQuery } from "@/change/queries";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Columns, Command, Details, Foreign, Page, Problem, Section, When } from "@/kit";
import { PersonState, signsInBy } from "./People";
import { words } from "./words";
import { personQuery } from "./queries";

type Listed = Schemas["PersonListed"];

export function Person({ name }: { name: string }): ReactElement {
  const person = useSuspenseQuery(personQuery(name)).data;
  const may = useMay();
  return (
    <Page
      title={person.display_name}
      heading={<Foreign text={person.display_name} line first={100} />}
      about={<PersonState state={person.state} />}
      actions={may("identity:person:offboard") && person.state === "active" && <Offboard name={name} />}
    >
      <Columns
        aside={
          <>
            <Section title={words.away}>
              <Absences person={name} />
            </Section>
            {may("identity:person:invite") && person.state === "active" && person.external_subject === null && (
              <Section title={words.invite.title}>
                <Invite name={name} />
              </Section>
            )}
            {may("catalog:object:read") && <Hangs name={name} />}
          </>
        }
      >
        <Section title={words.about_it}>
          <About person={person} />
        </Section>
        {may("catalog:object:read") && <Manifest name={name} />}
      </Columns>
    </Page>
  );
}

function About({ person }: { person: Listed }): ReactElement {
  return (
    <Details
      of={[
        [words.facts.email, <Foreign key="email" text={person.email} line />],
        [words.facts.roles, person.roles.join(", ")],
        [words.facts.access, person.access.join(", ")],
        [words.facts.manager, person.manager],
        [words.facts.by, signsInBy(person)],
      ]}
    />
  );
}

/** The declaration; a person who came from an identity provider has none. */
function Manifest({ name }: { name: string }): ReactElement | null {
  const found = useQuery({ ...objectQuery("Person", name), retry: false });
  return found.data === undefined ? null : <Declared found={found.data} folded />;
}

function Hangs({ name }: { name: string }): ReactElement | null {
  const found = useQuery({ ...objectQuery("Person", name), retry: false });
  if (found.data === undefined) return null;
  return (
    <>
      <Section title={words.about_it}>
        <Belongs found={found.data} />
      </Section>
      <Revisions found={found.data} />
    </>
  );
}

function Absences({ person }: { person: string }): ReactElement {
  const found = useQuery({
    queryKey: ["absences", "of", person],
    queryFn: () => answered(client.GET("/api/absences", { params: { query: { person } } })),
  });
  if (found.error !== null) return <Problem error={found.error} />;
  if (!found.data?.items.length) {
    return (
      <Text size="sm" c="dimmed">
        {words.never}
      </Text>
    );
  }
  return (
    <Stack gap={4}>
      {found.data.items.map((one) => (
        <Text key={one.id} size="sm" component="div">
          <When at={one.since} /> · {words.awayUntil(one.deputy)} <When at={one.until} />
        </Text>
      ))}
    </Stack>
  );
}

function Invite({ name }: { name: string }): ReactElement {
  const invite = useMutation({
    mutationFn: () => answered(client.POST("/api/people/{name}/invite", { params: { path: { name } } })),
  });
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm" c="dimmed">
        {words.invite.about}
      </Text>
      {invite.error !== null && <Problem error={invite.error} />}
      {invite.data === undefined ? (
        <Button size="xs" variant="light" loading={invite.isPending} onClick={() => invite.mutate()}>
          {words.invite.go}
        </Button>
      ) : (
        <Command text={invite.data.link} />
      )}
    </Stack>
  );
}

function Offboard({ name }: { name: string }): ReactElement {
  const [opened, { open, close }] = useDisclosure();
  const [reason, setReason] = useDraft(`offboard:${name}`);
  const queries = useQueryClient();
  const offboard = useMutation({
    mutationFn: () =>
      answered(client.POST("/api/people/{name}/offboard", { params: { path: { name } }, body: { reason } })),
    onSuccess: async (done) => {
      notifications.show({
        color: "teal",
        message: words.offboard.done(done.credentials_revoked, done.suspended.length),
      });
      setReason("");
      close();
      await lookAgain(queries, ["people"]);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    offboard.mutate();
  };
  return (
    <>
      <Button size="xs" variant="light" color="red" onClick={open}>
        {words.offboard.open}
      </Button>
      <Modal opened={opened} onClose={close} title={words.offboard.title(name)} centered>
        <form onSubmit={send}>
          <Stack gap="sm">
            <Alert color="orange" variant="light">
              {words.offboard.about}
            </Alert>
            {offboard.error !== null && <Problem error={offboard.error} />}
            <TextInput
              label={words.offboard.reason}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              required
              data-autofocus
            />
            <Group>
              <Button type="submit" color="red" loading={offboard.isPending} disabled={reason.trim() === ""}>
                {words.offboard.go}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
