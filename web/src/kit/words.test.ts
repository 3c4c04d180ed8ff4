import { describe, expect, test } from "vitest";
import { addressOfId, addressOfObject } from "@/frame/addresses";
import { minorUnits, money } from "./money";
import { lasting, relative } from "./when";

/** As the server says them; a browser's own table says other ones of some currencies. */
const DIGITS: Record<string, number> = { JPY: 0, KWD: 3, HUF: 2, ISK: 0 };

describe("money", () => {
  test.each([
    [125_000, "EUR", "1,250.00 EUR"],
    [5, "EUR", "0.05 EUR"],
    [-5, "EUR", "-0.05 EUR"],
    [0, "JPY", "0 JPY"],
    [1_234_567, "JPY", "1,234,567 JPY"],
    [1_234_567, "KWD", "1,234.567 KWD"],
    [1_234_567, "HUF", "12,345.67 HUF"],
    [1_234_567, "ISK", "1,234,567 ISK"],
    [9_007_199_254_740_991, "EUR", "90,071,992,547,409.91 EUR"],
  ])("%d minor units of %s are %s", (minor, currency, text) => {
    expect(money(minor, { currency, digits: DIGITS[currency] ?? 2 })).toBe(text);
  });
});

describe("an amount that is typed", () => {
  test.each([
    ["1250", "EUR", 125_000],
    ["1250.5", "EUR", 125_050],
    ["0.05", "EUR", 5],
    ["1250.999", "EUR", 125_099],
    ["1250", "JPY", 1_250],
    ["1.25", "KWD", 1_250],
    ["", "EUR", undefined],
    ["-3", "EUR", undefined],
    ["1e3", "EUR", undefined],
    ["99999999999999999", "EUR", undefined],
  ])("%s of %s is %d minor units", (amount, currency, minor) => {
    expect(minorUnits(amount, { currency, digits: DIGITS[currency] ?? 2 })).toBe(minor);
  });
});

describe("times", () => {
  test.each([
    [0, "now"],
    [60_000, "in 1 min."],
    [-7_200_000, "2 hr. ago"],
    [86_400_000, "tomorrow"],
  ])("%d ms away is %s", (away, text) => {
    expect(relative(1_000_000 + away, 1_000_000)).toBe(text);
  });

  test("last", () => {
    expect([45_000, 200_000, 12_000_000, 400_000_000].map(lasting)).toEqual([
      "45 s",
      "3 min",
      "3 h 20 min",
      "4 d 15 h",
    ]);
  });
});

describe("addresses", () => {
  test("of lived things go by their ids", () => {
    expect(addressOfId("act_01m7zp0kkfv355nh6br14bjafk")).toBe("/actions/act_01m7zp0kkfv355nh6br14bjafk");
    for (const none of ["act_", "act_../../x", "foo_01m7zp0kkfv355nh6br14bjafk", ""]) {
      expect(addressOfId(none)).toBeUndefined();
    }
  });

  test("of declared objects go by kind and name", () => {
    expect(addressOfObject("Agent", "buyer-1")).toBe("/workforce/buyer-1");
    expect(addressOfObject("Role", "a/b")).toBe("/settings/objects/Role/a%2Fb");
  });
});
