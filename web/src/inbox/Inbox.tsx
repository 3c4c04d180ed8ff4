/** The list of what waits at the left, one of it at the right. Everything can be done by keyboard. */
import {
  Alert,
  Badge,
  Box,
  Button,
  Checkbox,
  Group,
  Kbd,
  Modal,
  SegmentedControl,
  Skeleton,
  Table,
  Text,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useMemo, useState, type ReactElement } from "react";
import { useMay, useMe } from "@/frame/session";
import { EmptyState, Foreign, Page, Problem, When, useNow } from "@/kit";
import { Away } from "./Away";
import { Bulk, equal, isLow } from "./Bulk";
import classes from "./inbox.module.css";
import { useKeys } from "@/frame/keys";
import { useInbox, useReviews, type Item, type Kind } from "./queries";
import { words } from "./words";

const SOON_MS = 30 * 60_000;
const REVIEWS = "/inbox/reviews/";
const DRAWN = 200; // entries, until more are asked for

export function Inbox(): ReactElement {
  const inbox = useInbox();
  const isReview = useRouterState({ select: (state) => state.location.pathname.startsWith(REVIEWS) });
  const [kind, setKind] = useState<Kind | "all">(isReview ? "review" : "all");
  const reviews = useReviews(kind === "review");
  const { items, isPending, error } = kind === "review" ? reviews : inbox;
  const [selected, setSelected] = useState<readonly string[]>([]);
  const [helping, help] = useDisclosure();
  const shown =
    kind === "all" || kind === "review"
      ? items
      : items.filter((one) => one.kind === kind || (kind === "approval" && one.kind === "question"));
  const open = useOpen(shown);
  const chosen = items.filter((one) => selected.includes(one.key));
  const toggle = (item: Item) => setSelected(toggled(chosen, item));
  useKeys({
    j: () => open.move(1),
    k: () => open.move(-1),
    ArrowDown: () => open.move(1),
    ArrowUp: () => open.move(-1),
    x: open.item && isLow(open.item) ? () => open.item && toggle(open.item) : undefined,
    "?": help.open,
  });
  return (
    <Page title={words.title} about={words.about} actions={<Actions help={help.open} />}>
      {Boolean(error) && <Problem error={error} />}
      {isPending && <Skeleton height={240} />}
      <Kinds items={inbox.items} kind={kind} setKind={setKind} />
      {kind === "review" && <Draw of={reviews} />}
      {!isPending && !error && items.length === 0 && open.path === undefined && (
        <EmptyState {...(kind === "review" ? words.review.empty : words.empty)} />
      )}
      {(items.length > 0 || open.path !== undefined) && (
        <>
          {kind !== "review" && inbox.isCut && (
            <Text size="sm" className={classes.aside}>
              {words.cut(items.length)}
            </Text>
          )}
          {chosen.length > 0 && <Bulk items={chosen} clear={() => setSelected([])} />}
          <div className={classes.panes} data-one={open.path}>
            <List items={shown} open={open.item} selected={selected} toggle={toggle} />
            <Box miw={0}>{open.path === undefined ? <Pick /> : <Outlet />}</Box>
          </div>
        </>
      )}
      <Keys opened={helping} close={help.close} />
    </Page>
  );
}

/** How the results to be judged were chosen, and others. */
function Draw({ of }: { of: ReturnType<typeof useReviews> }): ReactElement | null {
  const { draw, others } = of;
  if (draw === undefined) return null;
  return (
    <Group gap="sm" className={classes.aside}>
      <Text size="sm" title={`seed ${draw.seed}, ${draw.size} leaves`} flex={1} miw="12rem">
        {words.review.drawn(draw.items.length, draw.drawn, draw.population)}
      </Text>
      <Button variant="default" size="xs" loading={others.isPending} onClick={() => others.mutate()}>
        {draw.drawn < draw.population ? words.review.others : words.review.again}
      </Button>
    </Group>
  );
}

function Actions({ help }: { help: () => void }): ReactElement {
  return (
    <>
      <Away />
      <Button variant="default" size="xs" onClick={help} rightSection={<Kbd size="xs">?</Kbd>}>
        {words.keys.title}
      </Button>
    </>
  );
}

/** What is open at the right, and how to go on from it. */
function useOpen(items: readonly Item[]) {
  const navigate = useNavigate();
  const address = useRouterState({ select: (state) => state.location.pathname });
  const path = address === "/inbox" || address === "/inbox/" ? undefined : address;
  const at = items.findIndex((one) => one.to === path);
  const move = (step: number) => {
    const next =
      items[
        path === undefined ? (step > 0 ? 0 : items.length - 1) : Math.max(0, Math.min(items.length - 1, at + step))
      ];
    if (next) void navigate({ to: next.to });
  };
  return { path, item: items[at], move };
}

/** With `item` where it was not; only equal ones stay together. */
function toggled(chosen: readonly Item[], item: Item): string[] {
  if (chosen.includes(item)) return chosen.filter((one) => one !== item).map((one) => one.key);
  return [...chosen.filter((one) => equal(one, item)), item].map((one) => one.key);
}

function Kinds({
  items,
  kind,
  setKind,
}: {
  items: readonly Item[];
  kind: Kind | "all";
  setKind: (kind: Kind | "all") => void;
}): ReactElement {
  const mayJudge = useMay()("insight:label:give");
  const data = useMemo(() => {
    const count = (...kinds: Kind[]) => items.filter((item) => kinds.includes(item.kind)).length;
    return [
      { value: "all", label: `${words.filter.all} ${items.length}` },
      { value: "approval", label: `${words.filter.approvals} ${count("approval", "question")}` },
      { value: "exception", label: `${words.filter.exceptions} ${count("exception")}` },
      { value: "task", label: `${words.filter.tasks} ${count("task")}` },
      ...(mayJudge ? [{ value: "review", label: words.filter.reviews }] : []),
    ];
  }, [items, mayJudge]);
  return (
    <Box className={classes.aside}>
      <SegmentedControl
        size="xs"
        aria-label={words.filter.label}
        value={kind}
        onChange={(value) => setKind(value as Kind | "all")}
        data={data}
      />
    </Box>
  );
}

interface ListProps {
  items: readonly Item[];
  open: Item | undefined;
  selected: readonly string[];
  toggle: (item: Item) => void;
}

function List({ items, open, selected, toggle }: ListProps): ReactElement {
  const [size, setSize] = useState(DRAWN);
  const end = Math.max(size, open === undefined ? 0 : items.indexOf(open) + 1);
  return (
    <ul className={classes.list} aria-label={words.list} tabIndex={0}>
      {items.length === 0 && (
        <Text p="md" c="dimmed" size="sm" component="li">
          {words.empty.title_none}
        </Text>
      )}
      {items.slice(0, end).map((item) => (
        <Entry
          key={item.key}
          item={item}
          isOpen={item === open}
          isSelected={selected.includes(item.key)}
          toggle={() => toggle(item)}
        />
      ))}
      {items.length > end && (
        <li className={classes.item}>
          <Button variant="default" size="xs" onClick={() => setSize(end + DRAWN)}>
            {words.more(items.length - end)}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Entry({
  item,
  isOpen,
  isSelected,
  toggle,
}: {
  item: Item;
  isOpen: boolean;
  isSelected: boolean;
  toggle: () => void;
}): ReactElement {
  const me = useMe().name;
  const handed = item.approval?.handed_to === me ? item.approval.handed_by : null;
  return (
    <li
      className={classes.item}
      data-open={isOpen || undefined}
      ref={(row) => {
        if (isOpen) row?.scrollIntoView({ block: "nearest" });
      }}
    >
      {isLow(item) && (
        <Checkbox
          size="xs"
          mt={3}
          checked={isSelected}
          onChange={toggle}
          aria-label={`${words.bulk.select} ${item.key}`}
        />
      )}
      <Link to={item.to} className={classes.link} aria-current={isOpen ? "true" : undefined}>
        <span className={classes.meta}>
          <Badge size="xs" variant="light" color={COLOURS[item.kind]}>
            {words.kinds[item.kind]}
          </Badge>
          <span>
            <Foreign text={item.who} line first={40} />
          </span>
          <span>
            <Foreign text={item.about} line first={40} />
          </span>
          {item.until !== null && <Clock until={item.until} />}
          {handed && <strong>{words.note.handed(handed)}</strong>}
        </span>
        <span className={classes.title} data-sentence={item.kind === "approval" || undefined}>
          <Foreign text={item.title} line first={180} />
        </span>
      </Link>
    </li>
  );
}

const COLOURS = { approval: "lagoon", exception: "orange", task: "gray", question: "violet", review: "grape" } as const;

/** How long there is still time; it changes its colour when there is little. */
export function Clock({ until }: { until: number }): ReactElement {
  const left = until - useNow();
  return (
    <span className={left < SOON_MS ? classes.soon : undefined}>
      {left <= 0 ? words.expired : words.expires} {left > 0 && <When at={until} />}
    </span>
  );
}

function Pick(): ReactElement {
  return (
    <Alert color="gray" variant="light" className={classes.aside}>
      {words.pick}
    </Alert>
  );
}

function Keys({ opened, close }: { opened: boolean; close: () => void }): ReactElement {
  return (
    <Modal opened={opened} onClose={close} title={words.keys.title} centered>
      <Table>
        <Table.Tbody>
          {words.keys.rows.map(([key, does]) => (
            <Table.Tr key={key}>
              <Table.Td w={90}>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
