import { expect, test } from "vitest";
import { actionOf } from "./leaf";

test("a leaf leads to its action, that of a checkpoint to none", () => {
  expect(actionOf({ kind: "approval", action: "act_1", agent: "agt_1", tool: "pay" })).toBe("act_1");
  expect(actionOf({ kind: "approval", action: "act_2", agent: "run_1", tool: "" })).toBe(undefined);
  expect(actionOf({ kind: "task", action: "task_1" })).toBe(undefined);
});
