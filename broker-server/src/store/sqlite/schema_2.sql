-- on whose behalf the operation works, how many of its steps are done, and since when its present step may be at the
-- vendor
ALTER TABLE operations ADD COLUMN credential TEXT;
ALTER TABLE operations ADD COLUMN request TEXT;
ALTER TABLE operations ADD COLUMN originating_identity TEXT;
ALTER TABLE operations ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN sent_at INTEGER;

-- what has been taken out of the call budgets of vendor accounts; microseconds since 1970
CREATE TABLE vendor_budgets (
    account      TEXT PRIMARY KEY,
    spent_until  INTEGER NOT NULL,
    closed_until INTEGER NOT NULL
) WITHOUT ROWID;
