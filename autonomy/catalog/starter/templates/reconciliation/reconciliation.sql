-- The tables of the tools of the template `reconciliation`, beside the starter's. The SQL is that of SQLite and
-- PostgreSQL.

CREATE TABLE ledger_entry (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    amount_minor BIGINT NOT NULL,
    adjusted_minor BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE bank_line (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    matched INTEGER NOT NULL DEFAULT 0 CHECK (matched IN (0, 1))
);
CREATE INDEX bank_line_matched ON bank_line (matched);
