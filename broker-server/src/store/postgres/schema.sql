CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE instances (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    service             TEXT NOT NULL,
    plan                TEXT NOT NULL,
    organization        TEXT NOT NULL,
    space               TEXT NOT NULL,
    state               TEXT NOT NULL,
    state_before        TEXT,
    digest              BYTEA NOT NULL,
    maintenance_version TEXT,
    dashboard_url       TEXT,
    attributes          TEXT NOT NULL,
    context             BYTEA,
    parameters          BYTEA NOT NULL,
    record              BYTEA,
    unfinished          BYTEA,
    revision            BIGINT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE bindings (
    sequence    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance    TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
    id          TEXT NOT NULL,
    state       TEXT NOT NULL,
    digest      BYTEA NOT NULL,
    application TEXT,
    predecessor TEXT,
    parameters  BYTEA NOT NULL,
    record      BYTEA,
    unfinished  BYTEA,
    body        BYTEA,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (instance, id)
);

CREATE TABLE operations (
    sequence          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    instance          TEXT COLLATE "C" NOT NULL,
    binding           TEXT,
    work              TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('in progress', 'succeeded', 'failed')),
    description       TEXT,
    instance_usable   BOOLEAN,
    update_repeatable BOOLEAN,
    digest            BYTEA NOT NULL,
    change            BYTEA,
    revoking          TEXT,
    checkpoint        BYTEA,
    step              TEXT,
    class             TEXT,
    attempt           BIGINT,
    in_doubt          BOOLEAN NOT NULL,
    touched           BOOLEAN NOT NULL,
    failures          BIGINT NOT NULL,
    owner             TEXT,
    fence             BIGINT NOT NULL,
    -- the write that this row is as it is after: a commit without an answer is recognised by it
    written_by        TEXT,
    -- on whose behalf it works, how many steps are done, and since when its present step may be at the vendor
    credential           TEXT,
    request              TEXT,
    originating_identity TEXT,
    turn              BIGINT NOT NULL,
    sent_at           TIMESTAMPTZ,
    -- the span of the request that it was accepted for
    trace             TEXT,
    due_at            TIMESTAMPTZ NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    ended_at          TIMESTAMPTZ
);

-- one mutation at a time per instance (I-12)
CREATE UNIQUE INDEX operations_active ON operations (instance) WHERE state = 'in progress';
CREATE INDEX operations_due ON operations (due_at) WHERE state = 'in progress';
CREATE INDEX operations_of_subject ON operations (instance, binding, sequence);
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;

-- what has been taken out of the call budgets of vendor accounts; microseconds since 1970
CREATE TABLE vendor_budgets (
    account      TEXT PRIMARY KEY,
    spent_until  BIGINT NOT NULL,
    closed_until BIGINT NOT NULL
);

CREATE TABLE events (
    sequence             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- the change it is about: a commit without an answer is recognised by it
    change               TEXT NOT NULL UNIQUE,
    at                   TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    kind                 TEXT NOT NULL,
    instance             TEXT COLLATE "C" NOT NULL,
    binding              TEXT,
    operation            TEXT,
    credential           TEXT,
    request              TEXT,
    originating_identity TEXT,
    detail               TEXT
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events are append-only'; END $$;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
