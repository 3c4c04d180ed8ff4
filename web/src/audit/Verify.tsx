/** The newest checkpoint, the whole log verified in the browser, and the log as a file. */
import { Alert, Button, Checkbox, Group, Progress, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { useMay } from "@/frame/session";
import { Command, Details, Id, Problem, Section, State } from "@/kit";
import { Malformed, toBase64 } from "@/proof/merkle";
import { readCheckpoint } from "@/proof/note";
import { acceptedKey, isAble, signedBy } from "@/proof/verify";
import type { Progress as Found } from "@/proof/whole";
import { words as proving } from "@/proof/words";
import { checkpointQuery, walked } from "./queries";
import { words } from "./words";

type Checkpoint = Schemas["CheckpointAnswer"];

export function Verify(): ReactElement {
  const found = useQuery(checkpointQuery);
  const may = useMay()("audit:log:export");
  return (
    <Stack gap="md">
      <Section title={words.verify.newest}>
        {found.error !== null && <Problem error={found.error} />}
        {found.data === undefined ? <Skeleton height={80} /> : <Newest checkpoint={found.data} />}
      </Section>
      <Section title={words.verify.whole}>
        {may ? <Whole checkpoint={found.data} /> : <Text c="dimmed">{words.verify.noExport}</Text>}
      </Section>
      {may && (
        <Section title={words.verify.export}>
          <Take />
        </Section>
      )}
    </Stack>
  );
}

function Newest({ checkpoint }: { checkpoint: Checkpoint }): ReactElement {
  const accepted = acceptedKey(checkpoint.key);
  const { size, root } = readCheckpoint(checkpoint.note); // which is what was signed
  const signed = useQuery({
    queryKey: ["verified", accepted, checkpoint],
    queryFn: () => signedBy(checkpoint, accepted),
    enabled: isAble(),
  });
  return (
    <Stack gap="sm">
      {!isAble() && <Alert color="orange">{proving.unable}</Alert>}
      {checkpoint.key !== accepted && <Alert color="orange">{proving.newKey}</Alert>}
      <Details
        of={[
          [words.verify.size, size.toLocaleString("en")],
          [words.verify.root, <Id key="root" id={toBase64(root)} />],
          [
            words.verify.signature,
            signed.data && <State key="signature" of={signed.data} as={proving.signature[signed.data]} />,
          ],
          [words.verify.key, <Id key="key" id={checkpoint.key} />],
        ]}
      />
      <Text size="xs" c="dimmed">
        {words.verify.keyAbout}
      </Text>
    </Stack>
  );
}

function Whole({ checkpoint }: { checkpoint: Checkpoint | undefined }): ReactElement {
  const size = checkpoint === undefined ? 0 : readCheckpoint(checkpoint.note).size;
  const [found, setFound] = useState<Found>();
  const [state, setState] = useState<"idle" | "running" | "over">("idle");
  const [error, setError] = useState<unknown>();
  const stopping = useRef<AbortController>(undefined);
  const run = async (accepted: string) => {
    stopping.current = new AbortController();
    setState("running");
    setError(undefined);
    try {
      await walked(accepted, size, stopping.current.signal, setFound);
      setState("over");
    } catch (wrong) {
      setState("idle");
      if (!stopping.current.signal.aborted) setError(wrong);
    }
  };
  return (
    <Stack gap="sm" align="stretch">
      <Text size="sm" c="dimmed">
        {words.verify.wholeAbout}
      </Text>
      <Wrong error={error} />
      {state === "running" && (
        <>
          <Progress value={(100 * (found?.leaves ?? 0)) / Math.max(1, size)} aria-label={words.verify.whole} />
          <Text size="sm" c="dimmed" role="status">
            {words.verify.at(found?.leaves ?? 0, size)}
          </Text>
        </>
      )}
      {state === "over" && found !== undefined && <Outcome found={found} />}
      <Group>
        {state === "running" ? (
          <Button size="xs" variant="default" onClick={() => stopping.current?.abort()}>
            {words.verify.stop}
          </Button>
        ) : (
          <Go checkpoint={checkpoint} run={run} />
        )}
      </Group>
    </Stack>
  );
}

interface GoProps {
  checkpoint: Checkpoint | undefined;
  run: (accepted: string) => Promise<void>;
}

/** Not before a key is known by which the log is to be signed. */
function Go({ checkpoint, run }: GoProps): ReactElement {
  const go = () => {
    if (checkpoint !== undefined) void run(acceptedKey(checkpoint.key));
  };
  return (
    <Button size="xs" onClick={go} disabled={!isAble() || checkpoint === undefined}>
      {words.verify.go}
    </Button>
  );
}

function Wrong({ error }: { error: unknown }): ReactElement | null {
  if (error === undefined) return null;
  if (!(error instanceof Malformed)) return <Problem error={error} />;
  return (
    <Alert color="red" title={proving.broken} role="alert">
      {error.message}
    </Alert>
  );
}

function Outcome({ found }: { found: Found }): ReactElement {
  if (found.problem !== undefined) {
    return (
      <Alert color="red" title={proving.broken} role="alert">
        {found.problem}
      </Alert>
    );
  }
  if (found.signature === "foreign") {
    return (
      <Alert color="orange" title={proving.foreign} role="alert">
        {proving.newKey}
      </Alert>
    );
  }
  return (
    <Alert color={found.signature === "holds" ? "teal" : "orange"} variant="light" role="status">
      {words.verify.good(found.leaves, found.checkpoints)} {found.signature === "unable" && words.verify.unable}
      <Text size="xs" mt={4} component="div">
        {words.verify.root} <Id id={found.root} />
      </Text>
    </Alert>
  );
}

function Take(): ReactElement {
  const [payloads, setPayloads] = useState(false);
  const may = useMay()("audit:payload:read");
  return (
    <Stack gap="sm" align="flex-start">
      <Text size="sm" c="dimmed">
        {words.verify.exportAbout}
      </Text>
      {may && (
        <Checkbox
          size="xs"
          label={words.verify.payloads}
          checked={payloads}
          onChange={(event) => setPayloads(event.currentTarget.checked)}
        />
      )}
      <Button component="a" size="xs" variant="light" href={`/api/audit/export?payloads=${payloads}`} download>
        {words.verify.download}
      </Button>
      {words.verify.commands.map((command) => (
        <Command key={command} text={command} />
      ))}
    </Stack>
  );
}
