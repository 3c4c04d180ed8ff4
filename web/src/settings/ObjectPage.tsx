/** A declared object of a kind that has no room of its own. */
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Belongs, Declared, Revisions } from "@/change/Declared";
import { objectQuery } from "@/change/queries";
import { Columns, Foreign, Page, Section } from "@/kit";
import { words } from "./words";

export function ObjectPage({ kind, name }: { kind: string; name: string }): ReactElement {
  const found = useSuspenseQuery(objectQuery(kind, name)).data;
  return (
    <Page title={`${kind} ${name}`} about={found.description === "" ? undefined : <Foreign text={found.description} />}>
      <Columns
        aside={
          <>
            <Section title={words.objects.about}>
              <Belongs found={found} />
            </Section>
            <Revisions found={found} />
          </>
        }
      >
        <Declared found={found} />
      </Columns>
    </Page>
  );
}
