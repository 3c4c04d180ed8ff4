-- The tables of the tools of the template `onboarding`, beside the starter's. The SQL is that of SQLite and PostgreSQL.

CREATE TABLE vendor_application (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    bank_account TEXT NOT NULL,
    email TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'new',
    requests BIGINT NOT NULL DEFAULT 0,
    verified_by TEXT,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE vendor_document (
    application_id TEXT NOT NULL REFERENCES vendor_application (id),
    kind TEXT NOT NULL CHECK (kind IN ('registration', 'tax', 'bank')),
    PRIMARY KEY (application_id, kind)
);

CREATE TABLE customer_application (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    identified INTEGER NOT NULL CHECK (identified IN (0, 1)),
    credit_score BIGINT NOT NULL,
    status TEXT NOT NULL DEFAULT 'new'
);

CREATE TABLE customer (
    id TEXT PRIMARY KEY REFERENCES customer_application (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    terms TEXT NOT NULL,
    welcomed INTEGER NOT NULL DEFAULT 0
);
