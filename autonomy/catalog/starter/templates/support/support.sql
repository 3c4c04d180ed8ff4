-- The tables of the tools of the template `support`, beside the starter's. The SQL is that of SQLite and PostgreSQL.

CREATE TABLE inquiry (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    topic TEXT NOT NULL,
    claim_minor BIGINT NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'open',
    draft TEXT,
    reply TEXT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX inquiry_status ON inquiry (status);
