import { expect, test, vi } from "vitest";

vi.stubGlobal("location", { origin: "http://127.0.0.1" });

/** What comes of verifying a log that the server answers with. */
async function found(answer: Response): Promise<unknown> {
  vi.stubGlobal("fetch", () => Promise.resolve(answer));
  const { walked } = await import("./queries");
  return walked("", 0, new AbortController().signal, () => undefined).catch((error: unknown) => error);
}

test("an answer that is no log is what the server says it is, and an ended session covers the page", async () => {
  const { Refused, whenExpired } = await import("@/api/client");
  let ended = 0;
  whenExpired(() => (ended += 1));
  for (const [status, code] of [
    [503, "store.unavailable"],
    [401, "session.missing"],
  ] as const) {
    const refused = await found(Response.json({ error: { code, message: "no" } }, { status }));
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ status, code });
  }
  expect(ended).toBe(1);
});

test("a log that does not hold is what its contents say", async () => {
  const { Malformed } = await import("@/proof/merkle");
  const header = { exported_at: 1, format: "autonomy-audit/2", from: 0, keys: ["k"], origin: "o", to: 0 };
  expect(await found(new Response(`${JSON.stringify(header)}\n`))).toBeInstanceOf(Malformed);
});
