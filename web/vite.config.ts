import { fileURLToPath } from "node:url";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compressed } from "./build/compressed.ts";

const server = "http://127.0.0.1:8085";

export default defineConfig({
  plugins: [tanstackRouter({ target: "react", autoCodeSplitting: true, quoteStyle: "double" }), react(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../autonomy/console",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"], // from these on `light-dark()` needs no translation
    assetsInlineLimit: 0, // our content security policy admits no data: addresses
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_200,
  },
  server: { proxy: { "/api": server, "/login": server, "/sign-on": server, "/invite": server } },
});
