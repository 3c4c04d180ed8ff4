/** For an address that leads nowhere. */
import { Anchor, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Page } from "@/kit/Page";
import { words } from "@/words";

export function Lost(): ReactElement {
  return (
    <Page title={words.lost.title} narrow>
      <Stack gap="xs">
        <Text>{words.lost.about}</Text>
        <Anchor component={Link} to="/">
          {words.lost.home}
        </Anchor>
      </Stack>
    </Page>
  );
}
