-- The tables of the tools of the template `maintenance`, beside the starter's. The SQL is that of SQLite and PostgreSQL.

CREATE TABLE equipment (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    critical INTEGER NOT NULL CHECK (critical IN (0, 1)),
    hours BIGINT NOT NULL,
    service_hours BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE work_order (
    id TEXT PRIMARY KEY,
    equipment_id TEXT NOT NULL REFERENCES equipment (id),
    urgency TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'open'
);
CREATE INDEX work_order_equipment ON work_order (equipment_id, status);
