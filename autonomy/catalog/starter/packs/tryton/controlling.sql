-- The budgets of the cost centres, as the tools `budget.*` expect them. The SQL is that of SQLite and of PostgreSQL.
-- Amounts are whole cents of EUR. An order is reserved once: its number in the ERP is the key.

CREATE TABLE budget (
    cost_center TEXT PRIMARY KEY,
    amount_minor BIGINT NOT NULL,
    spent_minor BIGINT NOT NULL DEFAULT 0 CHECK (spent_minor <= amount_minor)
);

CREATE TABLE budget_reservation (
    purchase_order_id BIGINT PRIMARY KEY,
    cost_center TEXT NOT NULL REFERENCES budget (cost_center),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    reserved_by TEXT NOT NULL,
    client_ref TEXT NOT NULL UNIQUE
);
