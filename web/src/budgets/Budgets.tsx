/** Every budget as a tree: what binds all that the ones under it bind stands above them. */
import { Checkbox, Skeleton, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Command, EmptyState, Page, Problem, Section } from "@/kit";
import { tree } from "./amount";
import { Tree } from "./Bars";
import { budgetsQuery } from "./queries";
import { words } from "./words";

/** What the address of the page says. */
export interface Search {
  like?: string;
  warned?: boolean;
}

export function Budgets({ search }: { search: Search }): ReactElement {
  const found = useQuery(budgetsQuery);
  const navigate = useNavigate({ from: "/budgets" });
  const go = (more: Search) => void navigate({ search: { ...search, ...more }, replace: true });
  const like = (search.like ?? "").toLowerCase();
  const shown = tree(found.data ?? []).filter(
    ({ budget }) =>
      `${budget.name} ${budget.target} ${budget.unit}`.toLowerCase().includes(like) &&
      (search.warned !== true || budget.warned),
  );
  const isFiltered = like !== "" || search.warned === true;
  return (
    <Page title={words.title} about={words.about}>
      {found.isPending && <Skeleton height={300} />}
      {found.error !== null && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.data?.length === 0 && (
        <EmptyState title={words.empty.title} about={words.empty.about}>
          <Command text={words.empty.command} />
        </EmptyState>
      )}
      {found.data && found.data.length > 0 && (
        <Section
          title={words.now}
          more={
            <>
              <Checkbox
                size="xs"
                label={words.only}
                checked={search.warned === true}
                onChange={(event) => go({ warned: event.currentTarget.checked || undefined })}
              />
              <TextInput
                size="xs"
                aria-label={words.filter}
                placeholder={words.filter}
                value={search.like ?? ""}
                onChange={(event) => go({ like: event.currentTarget.value || undefined })}
              />
            </>
          }
        >
          {shown.length === 0 && <Text c="dimmed">{words.none}</Text>}
          <Tree of={isFiltered ? shown.map(({ budget }) => ({ budget, depth: 0 })) : shown} />
        </Section>
      )}
    </Page>
  );
}
