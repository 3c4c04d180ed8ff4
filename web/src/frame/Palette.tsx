/** Ctrl-K: every page, every declared object by its name, every lived thing by its id; and an incident from anywhere. */
import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useState, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { Opening } from "@/incidents/OpenIncident";
import { words } from "@/words";
import { Icon } from "./icons";
import { addressOfId, addressOfObject, subjectOf } from "./addresses";
import type { Room } from "./rooms";
import { useMay } from "./session";
import { setQuery, store, useQueryText } from "./summons";

const MOST = 8;

export function Palette({ rooms }: { rooms: readonly Room[] }): ReactElement {
  const query = useQueryText();
  const [isOpening, setOpening] = useState(false);
  const subject = subjectOf(useRouterState({ select: (state) => state.location.pathname }));
  const mayOpen = useMay()("incidents:incident:open");
  const navigate = useNavigate();
  const go = (to: string) => void navigate({ to });
  const objects = useObjects(query.trim());
  const asked = query.trim().toLowerCase();
  const address = addressOfId(query.trim());
  const pages: SpotlightActionData[] = rooms
    .filter((room) => room.name.toLowerCase().includes(asked))
    .map((room) => ({
      id: room.to,
      label: room.name,
      leftSection: <Icon name={room.icon} />,
      onClick: () => go(room.to),
    }));
  const direct: SpotlightActionData[] =
    address === undefined
      ? []
      : [
          {
            id: "direct",
            label: words.palette.open(query.trim()),
            leftSection: <Icon name="right" />,
            onClick: () => go(address),
          },
        ];
  const incident: SpotlightActionData[] =
    mayOpen && words.palette.incident.toLowerCase().includes(asked)
      ? [
          {
            id: "incident",
            label: words.palette.incident,
            leftSection: <Icon name="incidents" />,
            onClick: () => setOpening(true),
          },
        ]
      : [];
  return (
    <>
      <Spotlight
        store={store}
        shortcut={null}
        query={query}
        onQueryChange={setQuery}
        filter={(_, actions) => actions}
        actions={[...direct, ...pages, ...incident, ...objects.map((one) => ({ ...one, onClick: () => go(one.to) }))]}
        nothingFound={words.palette.empty}
        searchProps={{
          placeholder: words.palette.placeholder,
          "aria-label": words.find,
          leftSection: <Icon name="search" />,
        }}
        scrollable
        maxHeight={420}
      />
      <Opening key={subject.id} {...subject} opened={isOpening} close={() => setOpening(false)} />
    </>
  );
}

/** The declared objects whose name holds `asked`, and where each is shown. */
function useObjects(asked: string): (SpotlightActionData & { to: string })[] {
  const may = useMay()("catalog:object:read");
  const found = useQuery({
    queryKey: ["organisation", "names", asked],
    queryFn: () => answered(client.GET("/api/objects", { params: { query: { like: asked, limit: MOST } } })),
    enabled: may && asked.length > 1,
    placeholderData: (before) => before,
  });
  if (asked.length < 2) return [];
  return (found.data?.items ?? []).map((one) => ({
    id: `${one.kind}/${one.name}`,
    label: one.name,
    description: [one.kind, one.description].filter(Boolean).join(" · "),
    to: addressOfObject(one.kind, one.name),
  }));
}
