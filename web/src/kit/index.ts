/** What pages are built of. `Graph` and `Chart` are large and come only where they are used. */
import { lazy } from "react";

export { Attention } from "./Attention";
export { Columns } from "./Columns";
export { Copy } from "./Copy";
export { DataTable, type Column } from "./DataTable";
export { Details } from "./Details";
export { Command, EmptyState } from "./EmptyState";
export { Facts } from "./Facts";
export { ChoiceFilter, DayFilter, TextFilter } from "./Filters";
export { Foreign } from "./Foreign";
export type { GraphEdge, GraphNode, Tone } from "./Graph";
export { Id, shortened } from "./Id";
export { Json } from "./Json";
export { Money } from "./Money";
export { Named } from "./Named";
export { Page } from "./Page";
export { Problem } from "./Problem";
export { Section } from "./Section";
export { Source } from "./Source";
export { State } from "./State";
export { TabbedPage } from "./TabbedPage";
export { To } from "./To";
export { Views } from "./Views";
export { When, useNow } from "./When";

export const Graph = lazy(() => import("./Graph"));
export const Chart = lazy(() => import("./Chart"));
