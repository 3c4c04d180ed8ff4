import { queryOptions } from "@tanstack/react-query";
import { answered, client } from "@/api/client";

export function toolQuery(name: string) {
  return queryOptions({
    queryKey: ["tools", "one", name],
    queryFn: () => answered(client.GET("/api/tools/{name}", { params: { path: { name } } })),
  });
}
