/** Workflows, runs, exceptions, tasks: one list at a time, named by the address. */
import { Select } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { addressOfId, addressOfObject } from "@/frame/addresses";
import { useMay, useMe } from "@/frame/session";
import { said } from "@/figures/figure";
import { DataTable, EmptyState, Foreign, Named, Page, shortened, State, Views, When } from "@/kit";
import { nameOf } from "@/kit/who";
import { useWorkflowFigures, useWorkflows, type Run, type Stuck } from "./queries";
import { lasted } from "./times";
import { words } from "./words";
import { VIEWS } from "./Work.search";

/** What the address of the page says. */
export interface Search {
  view?: (typeof VIEWS)[number];
  workflow?: string;
  state?: string;
  role?: string;
}

type RunStatus = Run["status"];
type TaskState = Schemas["TaskAnswer"]["state"];

const RUN_STATES: RunStatus[] = [
  "new",
  "running",
  "compensating",
  "done",
  "failed",
  "cancelled",
  "compensated",
  "stopped",
];
const TASK_STATES: TaskState[] = ["open", "claimed", "escalated", "returned", "done", "failed", "withdrawn"];

export function Work({ search }: { search: Search }): ReactElement {
  const navigate = useNavigate({ from: "/work" });
  const may = useMay();
  const views = VIEWS.filter((one) => one !== "tasks" || may("tasks:task:read"));
  const filter = (more: Search) => void navigate({ search: { ...search, ...more }, replace: true });
  const of = {
    workflows: <Workflows />,
    runs: <Runs search={search} filter={filter} />,
    exceptions: <Exceptions />,
    tasks: <Tasks search={search} filter={filter} />,
  };
  return (
    <Page title={words.title} about={words.about}>
      <Views
        label={words.viewsLabel}
        names={words.views}
        views={views}
        shown={search.view ?? "workflows"}
        show={(view) => void navigate({ search: { view } })}
        of={(view) => of[view]}
      />
    </Page>
  );
}

function Workflows(): ReactElement {
  const navigate = useNavigate();
  const figures = useWorkflowFigures().data;
  const base = useMe();
  const figure = (name: string, which: string) => figures?.get(name)?.[which];
  return (
    <DataTable<Schemas["ObjectAnswer"]>
      label={words.views.workflows}
      queryKey={["organisation", "Workflow", "list"]}
      page={(after) =>
        answered(client.GET("/api/objects", { params: { query: { kind: "Workflow", after, limit: 50 } } }))
      }
      keyOf={(row) => row.name}
      open={(row) => void navigate({ to: addressOfObject("Workflow", row.name) })}
      columns={[
        {
          name: words.columns.workflow,
          of: (row) => <Named name={row.name} about={<Foreign text={row.description} line first={120} />} />,
        },
        { name: words.columns.unit, of: (row) => row.unit, wide: true },
        {
          name: words.columns.done,
          right: true,
          of: (row) => said("count", figure(row.name, "runs_done"), base),
        },
        {
          name: words.columns.cycle,
          right: true,
          wide: true,
          of: (row) => said("ms", figure(row.name, "run_cycle_time"), base),
        },
        {
          name: words.columns.exceptions,
          right: true,
          wide: true,
          of: (row) => said("count", figure(row.name, "exceptions"), base),
        },
      ]}
      empty={<EmptyState {...words.empty.workflows} />}
    />
  );
}

interface Filtered {
  search: Search;
  filter: (more: Search) => void;
}

export function Runs({ search, filter }: Filtered): ReactElement {
  const names = (useWorkflows().data?.items ?? []).map((one) => one.name);
  return (
    <RunList
      workflow={search.workflow}
      status={RUN_STATES.find((one) => one === search.state)}
      filters={
        <>
          <Choice
            label={words.filters.workflow}
            value={search.workflow}
            among={names}
            choose={(workflow) => filter({ workflow })}
          />
          <Choice
            label={words.filters.status}
            value={search.state}
            among={RUN_STATES}
            choose={(state) => filter({ state })}
          />
        </>
      }
    />
  );
}

interface ListProps {
  workflow?: string;
  status?: RunStatus;
  filters?: ReactElement;
}

export function RunList({ workflow, status, filters }: ListProps): ReactElement {
  const navigate = useNavigate();
  return (
    <DataTable<Run>
      label={words.views.runs}
      queryKey={["runs", "list", workflow, status]}
      page={(after) => {
        const query = { workflow, status: status && [status], after, limit: 50 };
        return answered(client.GET("/api/runs", { params: { query } }));
      }}
      keyOf={(row) => row.id}
      open={(row) => void navigate({ to: addressOfId(row.id) ?? "/work" })}
      filters={filters}
      columns={[
        {
          name: words.columns.workflow,
          of: (row) => <Named name={row.workflow} about={shortened(row.id)} />,
        },
        { name: words.columns.state, of: (row) => <State of={row.status} /> },
        { name: words.columns.by, wide: true, of: (row) => <Foreign text={nameOf(row.started_by)} line first={60} /> },
        { name: words.columns.began, of: (row) => <When at={row.created_at} /> },
        { name: words.columns.took, right: true, wide: true, of: (row) => lasted(row.created_at, row.ended_at) },
      ]}
      empty={<EmptyState {...words.empty.runs} />}
    />
  );
}

function Exceptions(): ReactElement {
  const navigate = useNavigate();
  return (
    <DataTable<Stuck>
      label={words.views.exceptions}
      queryKey={["exceptions", "list"]}
      page={(after) => answered(client.GET("/api/runs/exceptions", { params: { query: { after, limit: 50 } } }))}
      keyOf={(row) => row.exception}
      open={(row) => void navigate({ to: addressOfId(row.run) ?? "/work" })}
      columns={[
        {
          name: words.columns.workflow,
          of: (row) => (
            <Named
              name={`${row.workflow} · ${row.step || words.exception.whole}`}
              about={row.reason !== null && <Foreign text={row.reason} line first={140} />}
            />
          ),
        },
        { name: words.columns.kind, of: (row) => <State of={row.kind} /> },
        {
          name: words.columns.asked,
          wide: true,
          of: (row) => (row.yours ? words.exception.yours : (row.person ?? row.role)),
        },
        { name: words.columns.since, of: (row) => <When at={row.at} /> },
      ]}
      empty={<EmptyState {...words.empty.exceptions} />}
    />
  );
}

function Tasks({ search, filter }: Filtered): ReactElement {
  const navigate = useNavigate();
  const state = TASK_STATES.find((one) => one === search.state);
  return (
    <DataTable<Schemas["TaskAnswer"]>
      label={words.views.tasks}
      queryKey={["tasks", "list", state]}
      page={(after) =>
        answered(client.GET("/api/tasks", { params: { query: { state: state && [state], after, limit: 50 } } }))
      }
      keyOf={(row) => row.task}
      open={(row) => void navigate({ to: addressOfId(row.task) ?? "/work" })}
      filters={
        <Choice
          label={words.filters.state}
          value={search.state}
          among={TASK_STATES}
          choose={(chosen) => filter({ state: chosen })}
        />
      }
      columns={[
        {
          name: words.columns.task,
          of: (row) => (
            <Named
              name={
                <>
                  {row.role}
                  {row.step !== null && ` · ${row.step}`}
                </>
              }
              about={<Foreign text={row.workflow ?? nameOf(row.opened_by)} line first={60} />}
            />
          ),
        },
        {
          name: words.columns.state,
          of: (row) => <State of={row.state === "open" ? "new" : row.state} as={row.state} />,
        },
        { name: words.columns.holder, wide: true, of: (row) => (row.holder === null ? "–" : nameOf(row.holder)) },
        { name: words.columns.priority, wide: true, of: (row) => row.priority },
        { name: words.columns.since, of: (row) => <When at={row.opened_at} /> },
      ]}
      empty={<EmptyState {...words.empty.tasks} />}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  among: readonly string[];
  choose: (value: string | undefined) => void;
}

function Choice({ label, value, among, choose }: ChoiceProps): ReactElement {
  const data = value !== undefined && !among.includes(value) ? [value, ...among] : [...among];
  return (
    <Select
      size="xs"
      aria-label={label}
      placeholder={`${label}: ${words.any}`}
      data={data}
      value={value ?? null}
      onChange={(chosen) => choose(chosen ?? undefined)}
      clearable
      searchable
    />
  );
}
