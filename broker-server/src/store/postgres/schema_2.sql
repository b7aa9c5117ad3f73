-- the digest of what was asked for
ALTER TABLE events ADD COLUMN asked BYTEA;

-- each event once, in the order of chaining, with a keyed digest of itself and of all before it
CREATE TABLE audit_chain (
    position BIGINT PRIMARY KEY,
    event    BIGINT NOT NULL UNIQUE,
    digest   BYTEA NOT NULL
);

CREATE TRIGGER audit_chain_is_never_changed BEFORE UPDATE OR DELETE ON audit_chain
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_is_never_truncated BEFORE TRUNCATE ON audit_chain
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
