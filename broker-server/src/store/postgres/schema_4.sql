-- whether the vendor of an account answers, for all processes; circuit_until in microseconds since 1970
ALTER TABLE vendor_budgets ADD COLUMN silences BIGINT NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN openings BIGINT NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN circuit_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE vendor_budgets ADD COLUMN probing BOOLEAN NOT NULL DEFAULT false;

-- how many events were told on each strand, and their marks, one XOR the other: an event that is gone before it was
-- chained is missed. Events of an older program are on no strand.
ALTER TABLE events ADD COLUMN strand SMALLINT;

CREATE TABLE audit_strands (
    strand SMALLINT PRIMARY KEY,
    told   BIGINT NOT NULL,
    first  BIGINT NOT NULL,
    second BIGINT NOT NULL
);

INSERT INTO audit_strands SELECT strand, 0, 0, 0 FROM generate_series(0, 63) AS strand;
