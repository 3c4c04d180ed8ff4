import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test, vi } from "vitest";
import vectors from "./vectors.json";
import type { Verified } from "./verify";
import { words } from "./words";

vi.stubGlobal("location", { origin: "http://127.0.0.1" });
vi.stubGlobal("navigator", {});
vi.stubGlobal("localStorage", { getItem: () => null });

const COMMAND = "autonomy audit show 0";
const proofs = vectors.slice(0, 1);
const { Proofs } = await import("./Proofs");

/** The commands on the page, where the browser can verify and has found this, or cannot. */
function commands(standing: Verified["signature"] | undefined, unsaid?: string): string[] {
  vi.stubGlobal("isSecureContext", standing !== undefined);
  const queries = new QueryClient();
  const problem = standing === "broken" ? "the path does not lead to the root" : undefined;
  const found = { index: 0, size: 1, hash: "", root: "", steps: 0, problem, signature: standing };
  queries.setQueryData(["verified", proofs[0]?.checkpoint.key, proofs], [found]);
  const shown = renderToStaticMarkup(
    <MantineProvider>
      <QueryClientProvider client={queries}>
        <Proofs proofs={proofs} command={COMMAND} unsaid={unsaid} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return [COMMAND, words.offline].filter((one) => shown.includes(one.replaceAll("&", "&amp;")));
}

test.each([
  ["a page is found forged", "holds", words.page.state],
  ["a page is found forged where the browser cannot verify", undefined, words.page.state],
  ["the browser cannot verify", undefined, undefined],
  ["the browser has no Ed25519", "unable", undefined],
  ["a leaf does not hold", "broken", undefined],
  ["the log is signed by another key", "foreign", undefined],
] as const)("where %s, the command takes nothing from the server on trust", (_, signature, unsaid) => {
  expect(commands(signature, unsaid)).toEqual([words.offline]);
});

test("where all holds, the command asks the server for the same", () => {
  expect(commands("holds")).toEqual([COMMAND]);
});
