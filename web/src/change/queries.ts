/** A declared object, and changing it: plan, then apply, as a change on record. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";

export type Described = Schemas["DescriptionAnswer"];

export function objectQuery(kind: string, name: string) {
  return queryOptions({
    queryKey: ["organisation", kind, name],
    queryFn: () => answered(client.GET("/api/objects/{kind}/{name}", { params: { path: { kind, name } } })),
  });
}

const CONFIG = "autonomy.yaml";
const DOCUMENTS = "documents/";

/**
 * The folder that says of one object `text` in place of what is in force, and of nothing else. Its base is the wording
 * that was read: where somebody has changed it since, the server refuses.
 */
async function declaration(found: Described, text: string): Promise<Schemas["Declaration"]> {
  const { files } = await answered(client.GET("/api/pull", { params: { query: { scope: found.scope } } }));
  const place = Object.keys(files).find((path) => path.includes(`/${found.name}.`) && files[path] === found.text);
  const kept = Object.entries(files).filter(([path]) => path === CONFIG || path.startsWith(DOCUMENTS));
  const path = place ?? `${found.kind.toLowerCase()}/${found.name}.${found.kind === "Policy" ? "cedar" : "yaml"}`;
  return {
    files: { ...Object.fromEntries(kept), [path]: text },
    base: { [`${found.kind}/${found.name}`]: found.digest },
    retire: false,
  };
}

/** What applying `text` would do. */
export function usePlan(found: Described) {
  return useMutation({
    mutationFn: async (text: string) => answered(client.POST("/api/plan", { body: await declaration(found, text) })),
  });
}

/** Apply `text`, all of it or nothing. */
export function useApply(found: Described) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ text, message }: { text: string; message: string }) =>
      answered(client.POST("/api/apply", { body: { ...(await declaration(found, text)), message } })),
    onSuccess: () => lookAgain(queries, ["organisation", "policies", "tools", "people", "agents", "budgets", "memory"]),
  });
}
