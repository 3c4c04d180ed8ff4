/** The room of those who keep the house. */
import type { ReactElement } from "react";
import { useMay } from "@/frame/session";
import { TabbedPage } from "@/kit";
import { words } from "./words";

const TABS = [
  ["/settings", words.tabs.organisation, "catalog:object:read"],
  ["/settings/changes", words.tabs.changes, "catalog:object:read"],
  ["/settings/secrets", words.tabs.secrets, "tools:secret:read"],
  ["/settings/keys", words.tabs.keys, "identity:service:read"],
  ["/settings/hooks", words.tabs.hooks, "tools:delivery:read"],
  ["/settings/absences", words.tabs.absences, "approvals:hold:read"],
  ["/settings/contained", words.tabs.contained, "identity:containment:read"],
  ["/settings/access", words.tabs.access, "identity:access:review"],
] as const;

export function Settings(): ReactElement {
  const may = useMay();
  const tabs = TABS.filter(([, , needs]) => may(needs)).map(([to, name]) => [to, name] as const);
  return <TabbedPage title={words.title} about={words.about} tabs={tabs} />;
}
