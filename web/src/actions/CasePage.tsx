/** A whole case: its waterfall, who took part, what it has seen, and its actions. */
import { Alert, Stack } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { OpenIncident } from "@/incidents/OpenIncident";
import { EmptyState, Details, Foreign, Money, Page, Section, When } from "@/kit";
import { ActionTable } from "./ActionTable";
import { caseQuery } from "./queries";
import { duration } from "./waterfall";
import { Waterfall } from "./Waterfall";
import { words } from "./words";

export function CasePage({ name }: { name: string }): ReactElement {
  const found = useSuspenseQuery(caseQuery(name)).data;
  return (
    <Page
      title={words.case.title(name)}
      heading={<Foreign text={words.case.title(name)} line first={120} />}
      about={words.case.about}
      actions={<OpenIncident about="case" id={name} />}
    >
      <Stack gap="md">
        {!found.whole && <Alert color="orange">{words.waterfall.whole}</Alert>}
        <Section title={words.sections.about}>
          <Details
            of={[
              [words.columns.when, <When key="when" at={found.at} />],
              [
                words.case.lasted,
                found.ended_at === null ? words.waterfall.under : duration(found.ended_at - found.at),
              ],
              [words.case.agents, found.agents.join(", ")],
              [words.case.money, found.money > 0 ? <Money minor={found.money} /> : null],
              [words.sections.labels, found.labels.map((one) => one.label).join(", ")],
            ]}
          />
        </Section>
        <Section title={words.sections.case}>
          <Waterfall spans={found.spans} />
        </Section>
        <Section title={words.case.actions}>
          <ActionTable
            label={words.case.actions}
            filters={{ case: name }}
            empty={<EmptyState title={words.empty.title} about={words.empty.about} />}
          />
        </Section>
      </Stack>
    </Page>
  );
}
