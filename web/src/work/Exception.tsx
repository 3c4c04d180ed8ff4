/** Something unexpected in a run, and the choice that it waits for. */
import { Group, Stack, Text, Title } from "@mantine/core";
import type { ReactElement } from "react";
import { useMay } from "@/frame/session";
import { Choose } from "@/inbox/Exception";
import { Attention, Foreign, Json, State, When } from "@/kit";
import type { Stuck } from "./queries";
import { words } from "./words";

export function Exception({ exception }: { exception: Stuck }): ReactElement {
  const maySteer = useMay()("workflow:run:steer");
  return (
    <Attention label={words.exception.title}>
      <Stack gap="sm">
        <Group gap="sm">
          <Title order={2}>{words.exception.title}</Title>
          <State of={exception.kind} />
          <Text size="sm">
            {exception.step === "" ? words.exception.whole : words.exception.about(exception.step)} ·{" "}
            <When at={exception.at} /> · {words.exception.asks}: {exception.person ?? exception.role}
          </Text>
        </Group>
        {exception.reason === null ? (
          <Text size="sm" c="dimmed">
            {words.exception.hidden}
          </Text>
        ) : (
          <Text component="div">
            <Foreign text={exception.reason} />
          </Text>
        )}
        {exception.detail !== null && exception.detail !== undefined && <Json value={exception.detail} />}
        {exception.yours || maySteer ? (
          <Choose found={exception} inCard />
        ) : (
          <Text size="sm">{words.exception.notYours}</Text>
        )}
      </Stack>
    </Attention>
  );
}
