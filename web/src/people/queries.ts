import { queryOptions } from "@tanstack/react-query";
import { answered, client } from "@/api/client";

export function personQuery(name: string) {
  return queryOptions({
    queryKey: ["people", "one", name],
    queryFn: () => answered(client.GET("/api/people/{name}", { params: { path: { name } } })),
  });
}
