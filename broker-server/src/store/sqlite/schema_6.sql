-- whether the vendor of an account answers, for all processes; circuit_until in microseconds since 1970
ALTER TABLE vendor_budgets ADD COLUMN silences INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN openings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN circuit_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN probing INTEGER NOT NULL DEFAULT 0;
