/** How the console looks: calm, dense where people decide, generous where they read. */
import { createTheme, type MantineColorsTuple } from "@mantine/core";

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

export const theme = createTheme({
  primaryColor: "lagoon",
  primaryShade: { light: 7, dark: 7 },
  colors: { lagoon, dark: slate },
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
});
