// How Node-RED is started for the flow beside this file:
//   AUTONOMY_HOOK_KEY=… AUTONOMY_HOOK_URL=http://127.0.0.1:8085/hooks/node-red node-red --settings settings.js --userDir . flows.json
module.exports = {
    uiHost: "127.0.0.1",
    uiPort: process.env.PORT || 1880,
    disableEditor: true, // `false` while you change the flow; then set `adminAuth`
    telemetry: { enabled: false },
    functionExternalModules: true, // the flow signs with Node's own `crypto`
    apiMaxLength: "1mb",
    // Answers are remembered on disk. What is under way is not: after a crash it is begun again when it is told again.
    contextStorage: {
        default: { module: "localfilesystem", config: { flushInterval: 1 } },
        memory: { module: "memory" },
    },
};
