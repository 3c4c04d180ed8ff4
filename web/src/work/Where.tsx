/** Where the time of a run went: working or waiting, in all and step by step. */
import { Table, Text, Tooltip, UnstyledButton } from "@mantine/core";
import type { ReactElement } from "react";
import { span } from "@/figures/figure";
import { Section } from "@/kit";
import type { Stay } from "./queries";
import { byStep, type Spent } from "./times";
import { words } from "./words";
import classes from "./work.module.css";

interface Props {
  stays: readonly Stay[];
  step: string | undefined;
  choose: (step: string) => void;
}

export function Where({ stays, step, choose }: Props): ReactElement | null {
  const steps = [...byStep(stays).entries()];
  if (steps.length === 0) return null;
  const most = Math.max(1, ...steps.map(([, one]) => one.working + one.waiting));
  return (
    <Section title={words.run.where} more={<Legend />}>
      <Table verticalSpacing={4} className={classes.where}>
        <Table.Tbody>
          {steps.map(([name, one]) => (
            <Table.Tr key={name} data-chosen={name === step || undefined}>
              <Table.Th scope="row" w="30%">
                <UnstyledButton onClick={() => choose(name)} aria-pressed={name === step} className={classes.step}>
                  {name}
                </UnstyledButton>
              </Table.Th>
              <Table.Td>
                <Bar of={one} most={most} />
              </Table.Td>
              <Table.Td ta="right" w={90} className={classes.time}>
                {span(one.working + one.waiting)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

function Bar({ of, most }: { of: Spent; most: number }): ReactElement {
  const told = `${words.run.working} ${span(of.working)}, ${words.run.waiting.toLowerCase()} ${span(of.waiting)}`;
  return (
    <Tooltip label={told} withArrow>
      <span className={classes.bar} role="img" aria-label={told}>
        <span data-kind="working" style={{ width: `${(of.working / most) * 100}%` }} />
        <span data-kind="waiting" style={{ width: `${(of.waiting / most) * 100}%` }} />
      </span>
    </Tooltip>
  );
}

function Legend(): ReactElement {
  return (
    <Text size="xs" c="dimmed" component="div" title={words.run.whereAbout} className={classes.legend}>
      <span data-kind="working" /> {words.run.working} <span data-kind="waiting" /> {words.run.waiting}
    </Text>
  );
}
