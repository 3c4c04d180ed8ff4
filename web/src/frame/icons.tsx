/** The few pictures of the frame, drawn with one stroke on a grid of 24. They say nothing that words do not say too. */
import type { ReactElement } from "react";

const PATHS = {
  today:
    "M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
  inbox: "M4 13h4l1.5 3h5L16 13h4M6 5h12l2 8v5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18v-5z",
  work: "M6 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4M18 16a2 2 0 1 0 0 4 2 2 0 0 0 0-4M8 6h6a3 3 0 0 1 0 6h-4a3 3 0 0 0 0 6h6",
  workforce:
    "M9 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M3.5 20c0-3.3 2.4-5.5 5.5-5.5s5.500 2.200 5.500 5.500M16 5.500a2.700 2.700 0 0 1 0 5.300M17.500 15c2 .6 3 2.400 3 5",
  actions: "M13 3 5 13.500h6L10.500 21 19 10.500h-6z",
  policies: "M12 4v16M7 20h10M5 7l7-2 7 2M5 7l-2.500 6a3 3 0 0 0 5 0zM19 7l-2.500 6a3 3 0 0 0 5 0z",
  tools:
    "M14.500 6.500a4 4 0 0 0 5 5L11 20a2.100 2.100 0 0 1-3-3l8.500-8.500M14.500 6.500 17 4a5 5 0 0 1 3 3l-2.500 2.500",
  memory:
    "M4 6c0-1.400 3.600-2.500 8-2.500S20 4.600 20 6s-3.600 2.500-8 2.500S4 7.400 4 6M4 6v6c0 1.400 3.600 2.500 8 2.500s8-1.100 8-2.500V6M4 12v6c0 1.400 3.600 2.500 8 2.500s8-1.100 8-2.500v-6",
  budgets:
    "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17M15 9a3.500 3.500 0 1 0 0 6M7.500 11h5M7.500 13.500h5",
  figures: "M4 20h16M7 16v-5M12 16V6M17 16v-8",
  audit: "M7 3.500h7l4 4V20a.5.5 0 0 1-.5.5h-10.500A1 1 0 0 1 6 19.500v-15a1 1 0 0 1 1-1M14 3.500V8h4M9 14l2 2 4-4",
  incidents: "M12 4 2.800 19.500h18.400zM12 10v4M12 17v.01",
  people: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.500 20.500c0-4 3.300-6 7.500-6s7.500 2 7.500 6",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 0 0 4 2 2 0 0 0 0-4M9 15a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4.500 4.500",
  copy: "M9 9h10v10.500H9zM15 9V5H5v10h4",
  check: "M5 12.500l4.500 4.500L19 7.500",
  cross: "M6.500 6.500l11 11M17.500 6.500l-11 11",
  back: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  hand: "M5 12h13M13 6.500 18.500 12 13 17.500",
  ask: "M8.500 9a3.500 3.500 0 1 1 5.200 3c-1.100.7-1.700 1.300-1.700 2.500M12 18v.01",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2",
  right: "M9.500 6l6 6-6 6",
  moon: "M19.500 14A8 8 0 0 1 10 4.500a8 8 0 1 0 9.500 9.500",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture by its name; `size` in pixels. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
