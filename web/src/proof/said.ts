/**
 * Whether a page shows what the proved leaves say. A proof alone says that some text is in the log; this is what binds it
 * to the action before the reader. Pure.
 */
import type { Schemas } from "@/api/client";
import { parsed } from "@/kit/json";
import type { Proof } from "./verify";
import { words } from "./words";

type Explanation = Schemas["Explanation"];
type Part = Schemas["Part"];
type Fields = Readonly<Record<string, unknown>>;
type Leaves = ReadonlyMap<number, Fields>;

const DECISIONS = ["hold", "intent", "denial"];
const ENDINGS = ["outcome", "reconcile"];
const ENDED_BY: Fields = { reject: "rejected", return: "returned", expire: "expired", withdraw: "withdrawn" };

/** What of `shown` the leaves do not say, in words; undefined where they say all of it. */
export function unsaid(shown: Explanation, proofs: readonly Proof[]): string | undefined {
  const leaves: Leaves = new Map(proofs.map((one) => [one.index, fieldsOf(parsed(one.body)?.value)]));
  const other = [...leaves].find(([, leaf]) => leaf.action !== shown.action);
  if (other !== undefined) return words.page.other(other[0]);
  const told = listed(shown);
  const places = [...leaves.keys()].sort((left, right) => left - right);
  if (!same(shown.position.leaves, places)) return words.page.leaves;
  for (const { index, kinds, fields, of } of told) {
    const leaf = leaves.get(index);
    if (leaf === undefined || !kinds.includes(String(leaf.kind))) return words.page.without(index);
    const wrong = Object.keys(fields).find((name) => !same(fields[name], of(leaf)[name]));
    if (wrong !== undefined) return words.page.differs(index, wrong);
  }
  const left = [...leaves].find(([index, leaf]) => isTold(leaf) && !told.some((one) => one.index === index));
  if (left !== undefined) return words.page.hidden(left[0]);
  if (shown.state !== stateOf([...leaves.values()])) return words.page.state;
  return uncommitted(shown, [...leaves.values()]);
}

/** The same of leaves that a page shows as they are, or by their index alone. */
export function unsaidLeaves(
  shown: readonly { index: number; leaf?: Fields }[],
  proofs: readonly Proof[],
): string | undefined {
  const wrong = shown.find(({ index, leaf }, at) => {
    const proof = proofs[at];
    return proof?.index !== index || (leaf !== undefined && !same(leaf, parsed(proof.body)?.value));
  });
  return wrong && words.page.without(wrong.index);
}

interface Told {
  index: number;
  kinds: readonly string[];
  /** What the page shows of the leaf. */
  fields: Fields;
  /** The same, read from the leaf. */
  of: (leaf: Fields) => Fields;
}

/** Everything that the page shows, by the leaf from which it is. */
function listed(shown: Explanation): Told[] {
  const { decisions, worst_case } = shown;
  const first = decisions.slice(0, 1);
  const intent = decisions.filter((one) => one.kind === "intent").slice(0, 1);
  return [
    ...first.map(({ index }) => ({ index, kinds: DECISIONS, fields: asked(shown), of: askedBy })),
    ...intent.map(({ index }) => ({ index, kinds: DECISIONS, fields: { ...worst_case }, of: costOf })),
    ...decisions.map((one) => ({ index: one.index, kinds: [one.kind], fields: decided(one), of: decidedBy })),
    ...shown.approvals.map((one) => ({ index: one.index, kinds: ["approval"], fields: voted(one), of: votedBy })),
    ...shown.endings.map((one) => ({ index: one.index, kinds: ENDINGS, fields: ended(one), of: endedBy })),
    ...(shown.judged ?? []).map((one) => ({ index: one.index, kinds: ["label"], fields: judged(one), of: judgedBy })),
  ];
}

function isTold(leaf: Fields): boolean {
  return [...DECISIONS, ...ENDINGS, "approval", "label"].includes(String(leaf.kind));
}

function asked({ who, what }: Explanation): Fields {
  const { arguments: _, rationale: __, ...rest } = what;
  return { ...who, ...rest };
}

function askedBy(leaf: Fields): Fields {
  return { ...leaf, name: leaf.agent_name, acts_for: leaf.act };
}

function decided(one: Schemas["Decided"]): Fields {
  const { at, kind, effect, reasons, asks, approvals, windows, labels, obligations, errors, code } = one;
  const { catalog_epoch, identity_epoch } = one;
  const rules = one.rules.map((rule) => rule.id);
  const said = { at, kind, effect, rules, reasons, asks, approvals, windows, labels, obligations, errors, code };
  return { ...said, catalog_epoch, identity_epoch };
}

function decidedBy(leaf: Fields): Fields {
  const decision = fieldsOf(leaf.decision);
  const epochs = fieldsOf(leaf.epochs);
  const roles = (Array.isArray(leaf.asks) ? (leaf.asks as Fields[]) : []).map((ask) => ask.role);
  return {
    ...decision,
    effect: decision.effect ?? "deny",
    rules: decision.policies,
    asks: [...new Set(roles)],
    at: leaf.at,
    kind: leaf.kind,
    labels: leaf.labels,
    code: leaf.code,
    catalog_epoch: epochs.catalog,
    identity_epoch: epochs.identity,
  };
}

function voted({ at, event, actor, round, role, shown, instead_of }: Schemas["Said"]): Fields {
  return { at, event, actor, round, role, shown, instead_of };
}

function votedBy(leaf: Fields): Fields {
  return { ...leaf, round: leaf.round ?? 0 };
}

function ended({ at, status, cost, code, via, by, labels }: Schemas["Ended"]): Fields {
  return { at, status, money: cost.money, tokens: cost.tokens, code, via, by, labels };
}

function endedBy(leaf: Fields): Fields {
  return { ...leaf, ...costOf(leaf) };
}

function costOf(leaf: Fields): Fields {
  const { money, tokens } = fieldsOf(leaf.cost);
  return { money, tokens };
}

function judged({ at, by, verdict, stands }: Schemas["Judged"]): Fields {
  return { at, by, verdict, stands };
}

function judgedBy(leaf: Fields): Fields {
  return { ...leaf, by: leaf.actor };
}

/** Where the last leaf that says so leaves the action. */
function stateOf(leaves: readonly Fields[]): string {
  for (const leaf of [...leaves].reverse()) {
    const kind = String(leaf.kind);
    if (ENDINGS.includes(kind)) return String(leaf.status);
    if (kind === "denial") return "denied";
    if (kind === "intent") return "running";
    const over = kind === "approval" ? ENDED_BY[String(leaf.event)] : undefined;
    if (over !== undefined) return String(over);
  }
  return "held";
}

/** A part of the page that no leaf commits to, or one that a leaf commits to and the page leaves out. */
function uncommitted(shown: Explanation, leaves: readonly Fields[]): string | undefined {
  const commitments = leaves.flatMap((leaf) => Object.entries(fieldsOf(leaf.commitments)));
  const parts: (readonly [string, Part | undefined])[] = [
    ["arguments", shown.what.arguments],
    ["rationale", shown.what.rationale],
    ["result", shown.endings.at(-1)?.result],
    ...shown.decisions.map((one) => ["facts", one.facts] as const),
    ...(shown.judged ?? []).flatMap((one) => [
      ["remark", one.remark] as const,
      ["correction", one.correction] as const,
    ]),
  ];
  for (const [name, part] of parts) {
    const made = commitments.filter(([key]) => key.split(".")[0] === name).map(([, hash]) => hash);
    const isPart = part !== undefined && part.state !== "none";
    if (isPart && !made.includes(part.commitment)) return words.page.part(name);
    if (!isPart && made.length > 0 && SINGLE.has(name)) return words.page.part(name);
  }
  return undefined;
}

const SINGLE = new Set(["arguments", "rationale", "result"]); // of the others each leaf may have one or none

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** Whether both say the same: what is empty is nothing, and the order of names does not matter. */
function same(left: unknown, right: unknown): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (Array.isArray(value)) return value.length === 0 ? "" : `[${value.map(canonical).join()}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0 ? "" : `{${entries.map(([name, one]) => `${name}:${canonical(one)}`).join()}}`;
}
