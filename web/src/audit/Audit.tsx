/** The room of the auditor: four questions, an address each. */
import type { ReactElement } from "react";
import { TabbedPage } from "@/kit";
import { words } from "./words";

const TABS = [
  ["/audit", words.tabs.verify],
  ["/audit/sample", words.tabs.sample],
  ["/audit/could", words.tabs.could],
  ["/audit/log", words.tabs.log],
] as const;

export function Audit(): ReactElement {
  return <TabbedPage title={words.title} about={words.about} tabs={TABS} />;
}
