/** How the console looks: calm, dense where people decide, generous where they read. */
import { createTheme, type MantineColorsTuple } from "@mantine/core";
import { words } from "./words";

const lagoon: MantineColorsTuple = [
  "#e9f6f9",
  "#d3e9ef",
  "#a5d2df",
  "#74b9ce",
  "#4fa4c0",
  "#3797b7",
  "#25809d",
  "#1b6a84",
  "#1a5a70",
  "#134757",
];

const slate: MantineColorsTuple = [
  "#c8d1d9",
  "#b2bcc6",
  "#94a1ad",
  "#6b7883",
  "#3f4a54",
  "#323c45",
  "#262f37",
  "#1b2228",
  "#14191e",
  "#0e1216",
];

/* The filled shade of both bears white text at 4.5 to 1 and more (WCAG 2.2, 1.4.3), unlike Mantine's own. */
const teal: MantineColorsTuple = [
  "#e6fcf5",
  "#c3fae8",
  "#96f2d7",
  "#63e6be",
  "#38d9a9",
  "#20c997",
  "#0b8562",
  "#087f5b",
  "#066649",
  "#055a40",
];

const red: MantineColorsTuple = [
  "#fff5f5",
  "#ffe3e3",
  "#ffc9c9",
  "#ffa8a8",
  "#ff8787",
  "#fa5252",
  "#d63031",
  "#c92a2a",
  "#b02525",
  "#9b1f1f",
];

const CLOSE = { closeButtonProps: { "aria-label": words.close } };

export const theme = createTheme({
  primaryColor: "lagoon",
  primaryShade: { light: 7, dark: 7 },
  colors: { lagoon, teal, red, dark: slate },
  fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  lineHeights: { md: "1.5" },
  headings: {
    fontWeight: "620",
    sizes: { h1: { fontSize: "1.5rem" }, h2: { fontSize: "1.0625rem" }, h3: { fontSize: "0.9375rem" } },
  },
  defaultRadius: "md",
  respectReducedMotion: true,
  cursorType: "pointer",
  autoContrast: true,
  components: {
    Modal: { defaultProps: CLOSE },
    Drawer: { defaultProps: CLOSE },
    Notification: { defaultProps: CLOSE },
  },
});
