"""Speaking to MCP servers: 2026-07-28 and the versions with a handshake before it, over HTTP and over pipes."""
