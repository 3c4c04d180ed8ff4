/** Searches that a person keeps, each a name for the filters of this page. */
import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent, type ReactElement } from "react";
import { Icon } from "@/frame/icons";
import { Foreign, Problem } from "@/kit";
import { useViews } from "./queries";
import { words } from "./words";

interface Props {
  filters: Record<string, string>;
  show: (query: Record<string, string>) => void;
}

export function Views({ filters, show }: Props): ReactElement {
  const { items, keep, drop } = useViews("actions");
  const [name, setName] = useState("");
  const save = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate({ name: name.trim(), query: filters }, { onSuccess: () => setName("") });
  };
  const isSearch = Object.keys(filters).length > 0;
  return (
    <Popover position="bottom-end" width={300} withArrow trapFocus>
      <Popover.Target>
        <Button variant="default" size="sm">
          {words.views.title} {items.length > 0 && items.length}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {(keep.error ?? drop.error) !== null && <Problem error={keep.error ?? drop.error} />}
          {items.length === 0 && !isSearch && (
            <Text size="sm" c="dimmed">
              {words.views.none}
            </Text>
          )}
          {items.map((view) => (
            <Group key={view.name} gap={4} wrap="nowrap" justify="space-between">
              <Button
                variant="subtle"
                size="compact-sm"
                justify="flex-start"
                flex={1}
                onClick={() => show(view.query as Record<string, string>)}
              >
                <Foreign text={view.name} line first={60} />
              </Button>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                aria-label={words.views.drop(view.name)}
                onClick={() => drop.mutate(view.name)}
              >
                <Icon name="cross" size={13} />
              </ActionIcon>
            </Group>
          ))}
          {isSearch && (
            <form onSubmit={save}>
              <Group gap="xs" align="flex-end" wrap="nowrap">
                <TextInput
                  label={words.views.keep}
                  placeholder={words.views.name}
                  size="xs"
                  flex={1}
                  value={name}
                  maxLength={80}
                  onChange={(event) => setName(event.currentTarget.value)}
                />
                <Button size="xs" type="submit" loading={keep.isPending} disabled={name.trim() === ""}>
                  {words.views.save}
                </Button>
              </Group>
            </form>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
