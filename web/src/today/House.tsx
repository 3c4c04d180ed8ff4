/** Cards of Today about the system itself: how it is, and how its record is. */
import type { ReactElement } from "react";
import { span } from "@/figures/figure";
import { Facts, Foreign, Section, To, When } from "@/kit";
import type { Seen } from "./queries";
import { words } from "./words";

const NUMBER = new Intl.NumberFormat("en");

export function Health({ of }: { of: NonNullable<Seen["health"]> }): ReactElement {
  const name = words.healthOf;
  return (
    <Section title={words.health}>
      <Facts
        of={[
          [name.processes, NUMBER.format(of.processes)],
          [name.writes, NUMBER.format(of.writes_waiting)],
          [name.lag, of.figures_lag.behind === 0 ? words.none : span(of.figures_lag.ms)],
          [
            name.connectors,
            of.connectors_open.length === 0 ? words.none : <Foreign text={of.connectors_open.join(", ")} line />,
          ],
        ]}
      />
    </Section>
  );
}

export function Record({ of }: { of: NonNullable<Seen["record"]> }): ReactElement {
  const name = words.recordOf;
  return (
    <Section title={words.record} more={<To to="/audit">{words.verify}</To>}>
      <Facts
        of={[
          [name.leaves, NUMBER.format(of.leaves)],
          [name.unsigned, NUMBER.format(of.unsigned)],
          [name.signed, <When key="" at={of.signed_at} />],
          [
            name.figures,
            <span key="">
              {words.recomputed[of.recomputed]}
              {of.recomputed_at !== null && (
                <>
                  {" "}
                  · <When at={of.recomputed_at} />
                </>
              )}
            </span>,
          ],
        ]}
      />
    </Section>
  );
}
