-- the digest of what was asked for
ALTER TABLE events ADD COLUMN asked BLOB;

-- each event once, in order, with a keyed digest of itself and of all before it
CREATE TABLE audit_chain (
    position INTEGER PRIMARY KEY,
    event    INTEGER NOT NULL UNIQUE,
    digest   BLOB NOT NULL
);

CREATE TRIGGER audit_chain_is_never_changed BEFORE UPDATE ON audit_chain
BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;
CREATE TRIGGER audit_chain_is_never_cut BEFORE DELETE ON audit_chain
BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;
