/** What the page that verifies the log reads. */
import { queryOptions } from "@tanstack/react-query";
import { answered, client } from "@/api/client";
import { Malformed } from "@/proof/merkle";
import { lines, Walk, type Progress } from "@/proof/whole";
import { words } from "@/proof/words";

export const checkpointQuery = queryOptions({
  queryKey: ["checkpoint"],
  queryFn: () => answered(client.GET("/api/audit/checkpoint")),
});

const TELL_EVERY = 250; // leaves

/**
 * Read the log from the server to its end, by the key that is accepted and up to the newest checkpoint at least. Throws
 * Malformed for what is no such log, and Refused where the server gives none.
 */
export async function walked(
  accepted: string,
  newest: number,
  signal: AbortSignal,
  tell: (found: Progress) => void,
): Promise<void> {
  const body = await answered(client.GET("/api/audit/export", { parseAs: "stream", signal }));
  if (body === null) throw new Malformed(words.whole.cut);
  const walk = new Walk(accepted);
  for await (const line of lines(body)) {
    await walk.line(line);
    if (walk.leaves % TELL_EVERY === 0) tell(await walk.progress());
  }
  tell(await walk.end(newest));
}
