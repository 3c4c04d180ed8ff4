/**
 * Whether a page shows what the proved leaves say. A proof alone says that some text is in the log; this is what binds it
 * to the action before the reader. Pure.
 */
import type { Schemas } from "@/api/client";
import { parsed } from "@/kit/json";
import { partsOf } from "./parts";
import type { Proof } from "./verify";
import { words } from "./words";

type Explanation = Schemas["Explanation"];
type Fields = Readonly<Record<string, unknown>>;
type Leaves = ReadonlyMap<number, Fields>;

const DECISIONS = ["hold", "intent", "denial"];
const ENDINGS = ["outcome", "reconcile"];
const ENDED_BY: Fields = { reject: "rejected", return: "returned", expire: "expired", withdraw: "withdrawn" };

/** What of `shown`, at the address of `action`, the leaves do not say, in words; undefined where they say all of it. */
export function unsaid(action: string, shown: Explanation, proofs: readonly Proof[]): string | undefined {
  if (shown.action !== action) return words.page.elsewhere;
  const leaves = inOrder(proofs);
  const other = [...leaves].find(([, leaf]) => leaf.action !== action);
  if (other !== undefined) return words.page.other(other[0]);
  if (!same(shown.position.leaves, [...leaves.keys()])) return words.page.leaves;
  const told = listed(shown);
  return differing(told, leaves) ?? untold(shown, told, leaves) ?? uncommitted(shown, leaves);
}

/** The leaves in the order of the log, whatever that of their proofs. */
function inOrder(proofs: readonly Proof[]): Leaves {
  const sorted = [...proofs].sort((left, right) => left.index - right.index);
  return new Map(sorted.map((one) => [one.index, fieldsOf(parsed(one.body)?.value)]));
}

/** Something that the page shows otherwise than its leaf says it. */
function differing(told: readonly Told[], leaves: Leaves): string | undefined {
  for (const { index, kinds, fields, of } of told) {
    const leaf = leaves.get(index);
    if (leaf === undefined || !kinds.includes(String(leaf.kind))) return words.page.without(index);
    const wrong = Object.keys(fields).find((name) => !same(fields[name], of(leaf)[name]));
    if (wrong !== undefined) return words.page.differs(index, wrong);
  }
  return undefined;
}

/** Something that the leaves say and the page does not, or not as the whole of them says it. */
function untold(shown: Explanation, told: readonly Told[], leaves: Leaves): string | undefined {
  const left = [...leaves].find(([index, leaf]) => isTold(leaf) && !told.some((one) => one.index === index));
  if (left !== undefined) return words.page.hidden(left[0]);
  if (shown.decisions.length === 0) return words.page.undecided;
  if (!isInOrder(shown)) return words.page.order;
  return shown.state === stateOf([...leaves.values()]) ? undefined : words.page.state;
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
  const { decisions } = shown;
  const first = decisions.slice(0, 1);
  const intent = decisions.filter((one) => one.kind === "intent").slice(0, 1);
  return [
    ...first.map(({ index }) => ({ index, kinds: DECISIONS, fields: asked(shown), of: askedBy })),
    ...[...intent, ...first]
      .slice(0, 1)
      .map(({ index }) => ({ index, kinds: DECISIONS, fields: costliest(shown), of: costliestBy })),
    ...decisions.map((one) => ({ index: one.index, kinds: [one.kind], fields: decided(one), of: decidedBy })),
    ...shown.approvals.map((one) => ({ index: one.index, kinds: ["approval"], fields: voted(one), of: votedBy })),
    ...shown.endings.map((one) => ({ index: one.index, kinds: ENDINGS, fields: ended(one), of: endedBy })),
    ...(shown.judged ?? []).map((one) => ({ index: one.index, kinds: ["label"], fields: judged(one), of: judgedBy })),
  ];
}

/** Whether what the page shows comes once each and in the order of the log, so that its last ending is the last one. */
function isInOrder({ decisions, approvals, endings, judged = [] }: Explanation): boolean {
  const lists = [decisions, approvals, endings, judged].map((list) => list.map(({ index }) => index));
  return lists.every((list) => list.every((index, at) => at === 0 || index > (list[at - 1] ?? index)));
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

/** Both, whatever the page says of them: what it leaves out is compared with nothing else. */
function costliest({ worst_case }: Explanation): Fields {
  return { money: worst_case?.money, tokens: worst_case?.tokens };
}

/** What was never begun costs nothing, whatever a hold said that it would. */
function costliestBy(leaf: Fields): Fields {
  return leaf.kind === "intent" ? costOf(leaf) : {};
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

/** A part that its own leaf does not commit to, or one that a leaf commits to and the page leaves out. */
function uncommitted(shown: Explanation, leaves: Leaves): string | undefined {
  const parts = partsOf(shown).map(({ index, name, part }) => ({ index, name, hash: part.commitment }));
  const made = [...leaves].flatMap(([index, leaf]) => commitments(index, leaf));
  const wrong = parts.find((one) => !among(made, one)) ?? made.find((one) => !among(parts, one));
  return wrong && words.page.part(wrong.index, wrong.name);
}

interface Committed {
  index: number;
  name: string;
  hash: unknown;
}

/** What a leaf commits to and a page must show. `message` stands in the sentences alone, which are not compared. */
function commitments(index: number, leaf: Fields): Committed[] {
  const made = Object.entries(fieldsOf(leaf.commitments));
  const named = made.map(([key, hash]) => ({ index, name: key.split(".")[0] ?? "", hash }));
  return named.filter(({ name }) => name !== "message");
}

function among(those: readonly Committed[], one: Committed): boolean {
  return those.some(({ index, name, hash }) => index === one.index && name === one.name && hash === one.hash);
}

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
  return entries.length === 0
    ? ""
    : `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join()}}`;
}
