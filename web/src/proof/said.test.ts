import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { misshown, type Opening } from "./opened";
import { unsaid, unsaidLeaves } from "./said";
import type { Proof } from "./verify";
import { words } from "./words";

type Explanation = Schemas["Explanation"];
type Part = Schemas["Part"];

const salt = Buffer.alloc(16, 7);
const hashOf = (text: string) => createHash("sha256").update(salt).update(text).digest("hex");
const part = (text: string, value: Part["value"] = JSON.parse(text)): Part => ({
  state: "shown",
  value,
  commitment: hashOf(text),
});
const none: Part = { state: "none", value: null, commitment: null };

const ASKED = '{"n":1}';
const [EMPTY, FULL] = ['{"stock":0}', '{"stock":9}'];
const RESULT = '{"ok":true}';
const [HERS, HIS, SHOULD] = ["it was twelve", "fine with me", "12"];

const who = { agent: "spiffe://x/1", agent_name: "w1", tool: "press", case: "c", epochs: { catalog: 1, identity: 1 } };
const leaves: Record<string, unknown>[] = [
  {
    ...who,
    kind: "hold",
    at: 1,
    decision: { effect: "hold" },
    cost: { money: 7, tokens: null },
    commitments: { arguments: hashOf(ASKED), facts: hashOf(EMPTY) },
  },
  {
    ...who,
    kind: "intent",
    at: 2,
    decision: { effect: "allow" },
    cost: { money: 1 },
    commitments: { "facts.2": hashOf(FULL) },
  },
  { kind: "outcome", at: 3, status: "unknown", commitments: { message: hashOf("no answer") } },
  { kind: "reconcile", at: 4, status: "done", by: "person:bea", commitments: { result: hashOf(RESULT) } },
  {
    kind: "label",
    at: 5,
    actor: "person:ana",
    verdict: "wrong",
    stands: true,
    commitments: { "remark.lbl_1": hashOf(HERS) },
  },
  {
    ...{ kind: "label", at: 6, actor: "person:bob", verdict: "corrected", stands: true },
    commitments: { "remark.lbl_2": hashOf(HIS), "correction.lbl_2": hashOf(SHOULD) },
  },
];
const proofs = leaves.map((leaf, index) => ({ index, body: JSON.stringify({ action: "act_1", ...leaf }) }) as Proof);

const texts: Record<string, string> = { arguments: ASKED, facts: EMPTY, "facts.2": FULL, result: RESULT };
const labels: Record<string, string> = { "remark.lbl_1": HERS, "remark.lbl_2": HIS, "correction.lbl_2": SHOULD };
const openings: Opening[] = Object.entries({ ...texts, ...labels }).map(([name, text]) => ({
  name,
  text,
  commitment: hashOf(text),
  salt: salt.toString("base64"),
}));

const NOTHING = { rules: [], reasons: [], asks: [], approvals: [], labels: [], errors: [], trials: [] };
const EPOCHS = { catalog_epoch: 1, identity_epoch: 1 };

/** The page as an honest server makes it of these leaves. */
function honest() {
  const ended = { cost: {}, labels: [], overruns: [] };
  return {
    action: "act_1",
    state: "done",
    who: { agent: "spiffe://x/1", name: "w1", revision: "", unit: "", sponsor: "", acts_for: [] },
    what: { tool: "press", case: "c", tags: [], arguments: part(ASKED), rationale: none },
    decisions: [
      { ...NOTHING, ...EPOCHS, index: 0, at: 1, kind: "hold", effect: "hold", facts: part(EMPTY) },
      { ...NOTHING, ...EPOCHS, index: 1, at: 2, kind: "intent", effect: "allow", facts: part(FULL) },
    ] satisfies Schemas["Decided"][],
    approvals: [],
    worst_case: { money: 1 } as Schemas["Cost"] | null,
    endings: [
      { ...ended, index: 2, at: 3, status: "unknown", result: none },
      { ...ended, index: 3, at: 4, status: "done", result: part(RESULT), by: "person:bea" },
    ],
    judged: [
      judged({ index: 4, at: 5, by: "person:ana", verdict: "wrong", remark: part(HERS, HERS) }),
      judged({
        index: 5,
        at: 6,
        by: "person:bob",
        verdict: "corrected",
        remark: part(HIS, HIS),
        correction: part(SHOULD),
      }),
    ],
    position: { leaves: [0, 1, 2, 3, 4, 5], checkpoint: 6 },
    currency: "EUR",
    unexplained: [],
  } satisfies Explanation;
}

type Judged = Schemas["Judged"];

function judged(said: Pick<Judged, "index" | "at" | "by" | "verdict" | "remark"> & Partial<Judged>): Judged {
  return { stands: true, correction: none, found: none, ...said };
}

type Page = ReturnType<typeof honest>;

async function found(change: (page: Page) => void): Promise<string | undefined> {
  const page = honest();
  change(page);
  return unsaid("act_1", page, proofs) ?? (await misshown(page, openings));
}

const at = (leaves: number[]) => ({ leaves, checkpoint: 6 });

/** The two with what stands at `name` changed about. */
function swapped<Name extends string>(name: Name, [one, other]: Record<Name, Part>[]): void {
  if (one !== undefined && other !== undefined) [one[name], other[name]] = [other[name], one[name]];
}

const gone = ({ commitment }: Part, state: Part["state"]): Part => ({ state, value: null, commitment });

describe("what a page shows of the content", () => {
  test("is what its own leaf commits to", async () => {
    expect(await found(() => undefined)).toBeUndefined();
  });

  test.each<[string, number, string, (page: Page) => void]>([
    ["one judge's remark at another's verdict", 4, "remark", (page) => swapped("remark", page.judged)],
    ["the facts of the hold at the decision that allowed", 0, "facts", (page) => swapped("facts", page.decisions)],
    ["a result at the ending that had none", 2, "result", (page) => swapped("result", page.endings)],
    ["a remark left out", 4, "remark", (page) => (page.judged[0]!.remark = none)],
    ["a correction left out", 5, "correction", (page) => (page.judged[1]!.correction = none)],
    ["facts left out", 1, "facts", (page) => (page.decisions[1]!.facts = none)],
    ["arguments left out", 0, "arguments", (page) => (page.what.arguments = none)],
    ["a result as arguments", 0, "arguments", (page) => (page.what.arguments = part(RESULT))],
    ["a rationale that nobody gave", 0, "rationale", (page) => (page.what.rationale = part(HERS, HERS))],
    ["a part forgotten that never was", 4, "correction", (page) => (page.judged[0]!.correction = gone(none, "erased"))],
  ])("with %s is found", async (_, index, name, change) => {
    expect(await found(change)).toBe(words.page.part(index, name));
  });

  test("in another order than the log's is found", async () => {
    expect(await found((page) => page.endings.reverse())).toBe(words.page.order);
    expect(await found((page) => page.judged.push(...page.judged))).toBe(words.page.order);
  });

  test("is read in the order of the log, whatever that of the proofs", () => {
    const reversed = [...proofs].reverse();
    expect(unsaid("act_1", honest(), reversed)).toBeUndefined();
    expect(unsaid("act_1", { ...honest(), state: "running" }, reversed)).toBe(words.page.state);
  });

  test.each(["erased", "hidden", "changed"] as const)("is not asked for where it is %s, and said so", async (state) => {
    const change = (page: Page) => {
      page.what.arguments = gone(page.what.arguments, state);
      page.decisions.forEach((one) => (one.facts = gone(one.facts, state)));
      page.judged[1]!.correction = gone(page.judged[1]!.correction, state);
    };
    expect(await found(change)).toBeUndefined();
  });

  test("with another value than was committed to is found", async () => {
    expect(await found((page) => (page.what.arguments.value = { n: 2 }))).toBe(words.page.content("arguments"));
  });
});

test.each<[string, Schemas["Cost"] | null]>([
  ["made up", { money: 1, tokens: 5 }],
  ["another", { money: 2 }],
  ["left out", null],
])("a worst case that is %s is found", async (_, worst) => {
  const problem = await found((page) => (page.worst_case = worst));
  expect([words.page.differs(1, "money"), words.page.differs(1, "tokens")]).toContain(problem);
});

test("what was only held has no worst case, whatever it would have cost", () => {
  const page = honest();
  const [hold] = page.decisions;
  const held = { ...page, state: "held" as const, decisions: [hold!], endings: [], judged: [], position: at([0]) };
  expect(unsaid("act_1", { ...held, worst_case: null }, proofs.slice(0, 1))).toBeUndefined();
  expect(unsaid("act_1", { ...held, worst_case: { money: 7 } }, proofs.slice(0, 1))).toBe(
    words.page.differs(0, "money"),
  );
});

test("another action than the one that was asked for is found, proved or not", () => {
  expect(unsaid("act_2", honest(), proofs)).toBe(words.page.elsewhere);
});

test("a leaf whose names run into each other is not the leaf that was proved", () => {
  const proof = { ...proofs[0]!, index: 3, body: '{"kind":"denial","at":5,"agent_name":"w1","tool":"pay"}' };
  const shown = { 'agent_name:"w1",at': 5, kind: "denial", tool: "pay" };
  const quoted = { 'agent_name":"w1","at': 5, kind: "denial", tool: "pay" };
  for (const leaf of [shown, quoted]) expect(unsaidLeaves([{ index: 3, leaf }], [proof])).toBe(words.page.without(3));
});

test("content whose front was moved into its salt is not what was committed to", async () => {
  const [front, rest] = [HERS.slice(0, 7), HERS.slice(7)];
  const moved = { text: rest, salt: Buffer.concat([salt, Buffer.from(front)]).toString("base64") };
  const page = honest();
  page.judged[0]!.remark.value = rest;
  const cut = openings.map((one) => (one.name === "remark.lbl_1" ? { ...one, ...moved } : one));
  expect(await misshown(page, cut)).toBe(words.page.content("remark"));
});

test("a page that shows no decision shows nothing that a leaf says", () => {
  const empty = {
    decisions: [],
    endings: [],
    judged: [],
    worst_case: null,
    position: { leaves: [], checkpoint: null },
    state: "held" as const,
  };
  expect(unsaid("act_1", { ...honest(), ...empty }, [])).toBe(words.page.undecided);
});
