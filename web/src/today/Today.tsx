/** Today: the same page for everybody, each audience with its own cards, the most important first. */
import { NativeSelect, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { FigureRow } from "@/figures/Strip";
import { useMay, useMe } from "@/frame/session";
import { EmptyState, Page, Problem, Section, To } from "@/kit";
import { Changed, Contained, Spend, Waits } from "./Cards";
import { Health, Record } from "./House";
import { Running, Wrong } from "./Now";
import { todayQuery, type Seen } from "./queries";
import { AUDIENCES, type Audience } from "./Today.search";
import classes from "./today.module.css";
import { words } from "./words";

/** What the address of the page says. */
export interface Search {
  /** Whose cards; those that fit the person's access where nothing is said. */
  audience?: Audience;
}

type Card = Seen["cards"][number];

export function Today({ search }: { search: Search }): ReactElement {
  const me = useMe();
  const sees = useMay()("insight:figure:read");
  const navigate = useNavigate({ from: "/" });
  const found = useQuery({ ...todayQuery(search.audience), enabled: sees });
  const choose = (audience: Audience) => void navigate({ search: { audience }, replace: true });
  return (
    <Page
      title={words.title}
      about={words.hello(me.display_name)}
      actions={found.data && <SeenAs audience={search.audience ?? found.data.audience} choose={choose} />}
    >
      {!sees && <Little />}
      {sees && found.isPending && <Skeleton height={420} />}
      {found.error !== null && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.data && <Cards seen={found.data} />}
    </Page>
  );
}

/** In their order; the strip of figures takes the whole width, above the others or below them. */
function Cards({ seen }: { seen: Seen }): ReactElement {
  const figures = seen.kpis && <Figures of={seen.kpis} />;
  const isFirst = seen.cards[0] === "kpis";
  return (
    <>
      {isFirst && figures}
      <div className={classes.cards}>
        {seen.cards.map((card) => {
          const one = shown(card, seen);
          return (
            one && (
              <div key={card} className={classes.card}>
                {one}
              </div>
            )
          );
        })}
      </div>
      {!isFirst && figures}
    </>
  );
}

function SeenAs({ audience, choose }: { audience: Audience; choose: (audience: Audience) => void }): ReactElement {
  return (
    <NativeSelect
      size="xs"
      aria-label={words.audience}
      title={words.audience}
      value={audience}
      onChange={(event) => choose(event.currentTarget.value as Audience)}
      data={AUDIENCES.map((one) => ({ value: one, label: words.audiences[one] }))}
    />
  );
}

/** One card; nothing where the person may not see what is on it. The figures are no card among others. */
function shown(card: Card, seen: Seen): ReactNode {
  switch (card) {
    case "needs_me":
      return <Waits />;
    case "running":
      return seen.running && <Running now={seen.running} />;
    case "went_wrong":
      return seen.went_wrong && <Wrong now={seen.went_wrong} />;
    case "spend":
      return seen.spend && <Spend budgets={seen.spend} />;
    case "kpis":
      return null;
    case "contained":
      return seen.contained && <Contained all={seen.contained} />;
    case "health":
      return seen.health && <Health of={seen.health} />;
    case "record":
      return seen.record && <Record of={seen.record} />;
    case "changes":
      return seen.changes && <Changed changes={seen.changes} />;
  }
}

function Figures({ of }: { of: NonNullable<Seen["kpis"]> }): ReactElement {
  return (
    <Section
      title={words.figures}
      note={words.figuresNote}
      more={
        <To to="/figures" size="sm">
          {words.all}
        </To>
      }
    >
      <FigureRow figures={of} />
    </Section>
  );
}

/** For people without access to figures: what waits for them, if anything may. */
function Little(): ReactElement {
  const may = useMay();
  if (may("approvals:hold:read") || may("tasks:task:read")) return <Waits />;
  return <EmptyState {...words.nothing} />;
}
