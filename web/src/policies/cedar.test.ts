import { describe, expect, test } from "vitest";
import { effect, reason } from "./cedar";

describe("a rule", () => {
  test("says what it does", () => {
    expect(effect({ effect: "permit", text: "permit (principal, action, resource);" })).toBe("permit");
    expect(effect({ effect: "forbid", text: '@outcome("require_approval")\nforbid (a, b, c);' })).toBe("hold");
    expect(effect({ effect: "forbid", text: '@outcome("deny")\nforbid (a, b, c);' })).toBe("forbid");
  });

  test("says why it is there", () => {
    expect(reason('@id("x")\n  @reason("says \\"no\\" to (much)")\nforbid (a, b, c);')).toBe('says "no" to (much)');
    expect(reason('@id("x")\nforbid (a, b, c) when { r == "@reason(" };')).toBe("");
  });
});
