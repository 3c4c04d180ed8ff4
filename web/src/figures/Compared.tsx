/** Several of a kind over the same time, figure by figure; the best of each is marked. */
import { Skeleton, Table, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { useMe } from "@/frame/session";
import { Foreign, Problem, Section } from "@/kit";
import { said } from "./figure";
import classes from "./figures.module.css";
import { comparisonQuery, type By } from "./queries";
import { words } from "./words";

interface Props {
  by: Exclude<By, "all">;
  keys: string[];
  since?: number;
  /** How each is called, where its key says little. */
  named?: (key: string) => string;
}

export function Compared({ by, keys, since, named = (key) => key }: Props): ReactElement {
  const found = useQuery(comparisonQuery(by, keys, since));
  const base = useMe();
  return (
    <Section title={words.compareTitle}>
      {found.isPending && <Skeleton height={240} />}
      {found.error !== null && <Problem error={found.error} />}
      {found.data && (
        <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} aria-label={words.compareTitle}>
          <Table verticalSpacing={5}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{words.choose}</Table.Th>
                {found.data.items.map((one) => (
                  <Table.Th key={one.key} ta="right">
                    <Foreign text={named(one.key)} line first={40} />
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {Object.values(found.data.formulas)
                .filter((formula) => found.data.items.some((one) => one.figures[formula.name] !== null))
                .map((formula) => (
                  <Table.Tr key={formula.name}>
                    <Table.Th scope="row" fw={500}>
                      <Tooltip label={formula.formula} multiline maw={340} withArrow>
                        <span tabIndex={0} className={classes.title}>
                          {formula.title}
                        </span>
                      </Tooltip>
                    </Table.Th>
                    {found.data.items.map((one) => {
                      const isBest = found.data.best[formula.name]?.includes(one.key) ?? false;
                      return (
                        <Table.Td key={one.key} ta="right" fw={isBest ? 650 : undefined} className={classes.cell}>
                          {isBest && <span className={classes.best}>{words.best} </span>}
                          {said(formula.unit, one.figures[formula.name], base)}
                        </Table.Td>
                      );
                    })}
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
