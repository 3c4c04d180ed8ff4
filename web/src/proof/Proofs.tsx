/** Proofs that leaves are in the log, verified before the eyes of the reader. */
import { Accordion, Alert, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement, ReactNode } from "react";
import { Command, Details, Id, Problem, Source, State } from "@/kit";
import { acceptedKey, isAble, verifyAll, type Proof, type Verified } from "./verify";
import { words } from "./words";

interface Props {
  proofs: readonly Proof[];
  /** Asks the server for the same without this browser, where nothing is wrong. */
  command?: string;
  /** What of the page these leaves do not say, in words: it is shown whatever else holds. */
  unsaid?: string | undefined;
  /** What was compared with them, in words. */
  note?: string;
}

export function Proofs({ proofs, command, unsaid, note }: Props): ReactElement {
  const key = proofs[0]?.checkpoint.key;
  const accepted = key === undefined ? "" : acceptedKey(key);
  const found = useQuery({
    queryKey: ["verified", accepted, proofs], // all of it: whatever is changed is verified anew
    queryFn: () => verifyAll(proofs, accepted),
    enabled: isAble(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!isAble() && unsaid !== undefined) return <Forged problem={unsaid} />;
  if (!isAble()) {
    return <Doubt title={words.partly}>{words.unable}</Doubt>;
  }
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Text c="dimmed">{words.verifying} …</Text>;
  return (
    <Stack gap="sm">
      <Outcome found={found.data} command={command} unsaid={unsaid} />
      <Accordion variant="contained" chevronPosition="left" multiple>
        {found.data.map((one, at) => (
          <Leaf key={one.index} found={one} proof={proofs[at]} />
        ))}
      </Accordion>
      <Text size="xs" c="dimmed">
        {words.here} {note}
      </Text>
    </Stack>
  );
}

function Forged({ problem }: { problem: string }): ReactElement {
  return (
    <Doubt title={words.page.title} color="red" role="alert">
      <Text size="sm">{problem}</Text>
      <Text size="sm">{words.page.about}</Text>
    </Doubt>
  );
}

interface DoubtProps {
  title: string;
  color?: "red" | "orange";
  role?: "alert";
  children: ReactNode;
}

/** What is not as it should be, and how the whole log is verified by what is kept elsewhere, whatever the server says of
 * a part of it. */
function Doubt({ title, color = "orange", role, children }: DoubtProps): ReactElement {
  return (
    <Alert color={color} title={title} {...(role !== undefined && { role })}>
      <Stack gap="xs">
        {children}
        <Command text={words.offline} />
        <Text size="xs">{words.offlineAbout}</Text>
      </Stack>
    </Alert>
  );
}

interface OutcomeProps {
  found: readonly Verified[];
  command: string | undefined;
  unsaid: string | undefined;
}

function Outcome({ found, command, unsaid }: OutcomeProps): ReactElement {
  const wrong = found.find((one) => one.problem !== undefined);
  if (wrong !== undefined) {
    return (
      <Doubt title={words.broken} color="red" role="alert">
        <Text size="sm">
          {words.leaf} {wrong.index}: {wrong.problem}
        </Text>
        <Text size="sm">{words.below}</Text>
      </Doubt>
    );
  }
  if (unsaid !== undefined) return <Forged problem={unsaid} />;
  const foreign = found.find((one) => one.signature === "foreign");
  if (foreign !== undefined) {
    return (
      <Doubt title={words.foreign} role="alert">
        <Text size="sm">
          {words.leaf} {foreign.index}: {words.newKey}
        </Text>
        <Text size="sm">{words.below}</Text>
      </Doubt>
    );
  }
  if (found.some((one) => one.signature === "unable")) {
    return <Doubt title={words.partly}>{words.noEd25519}</Doubt>;
  }
  return (
    <Alert color="teal" variant="light" role="status">
      {words.holds(found.length, Math.max(...found.map((one) => one.size)))}
      {command !== undefined && (
        <Text size="xs" mt={4} component="div">
          {words.same} <Command text={command} />
        </Text>
      )}
    </Alert>
  );
}

function Leaf({ found, proof }: { found: Verified; proof: Proof | undefined }): ReactElement {
  const standing = found.problem === undefined ? found.signature : "broken";
  const said = JSON.parse(proof?.body ?? "{}") as { kind?: string; event?: string };
  return (
    <Accordion.Item value={String(found.index)}>
      <Accordion.Control>
        <Group gap="xs">
          <Text size="sm">
            {words.leaf} {found.index}
          </Text>
          <Text size="sm" c="dimmed">
            {[said.kind, said.event].filter(Boolean).join(" · ")}
          </Text>
          <State of={standing} as={words.signature[standing]} />
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">
          <Details
            of={[
              [words.hash, <Id key="hash" id={found.hash} />],
              [words.path, words.hashes(found.steps)],
              [words.root, <Id key="root" id={found.root} />],
              [words.key, <Id key="key" id={proof?.checkpoint.key ?? ""} />],
            ]}
          />
          <Source label={words.body} text={proof?.body ?? ""} />
          <Source label={words.checkpoint} text={proof?.checkpoint.note ?? ""} />
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}
