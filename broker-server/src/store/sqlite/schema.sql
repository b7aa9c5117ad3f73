CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE instances (
    id                  TEXT PRIMARY KEY,
    service             TEXT NOT NULL,
    plan                TEXT NOT NULL,
    organization        TEXT NOT NULL,
    space               TEXT NOT NULL,
    state               TEXT NOT NULL,
    state_before        TEXT,
    digest              BLOB NOT NULL,
    maintenance_version TEXT,
    dashboard_url       TEXT,
    attributes          TEXT NOT NULL,
    context             BLOB,
    parameters          BLOB NOT NULL,
    record              BLOB,
    unfinished          BLOB,
    revision            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE bindings (
    sequence    INTEGER PRIMARY KEY,
    instance    TEXT NOT NULL REFERENCES instances (id),
    id          TEXT NOT NULL,
    state       TEXT NOT NULL,
    digest      BLOB NOT NULL,
    application TEXT,
    predecessor TEXT,
    parameters  BLOB NOT NULL,
    record      BLOB,
    unfinished  BLOB,
    body        BLOB,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (instance, id)
);

CREATE TABLE operations (
    sequence          INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT NOT NULL UNIQUE,
    instance          TEXT NOT NULL,
    binding           TEXT,
    work              TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('in progress', 'succeeded', 'failed')),
    description       TEXT,
    instance_usable   INTEGER,
    update_repeatable INTEGER,
    digest            BLOB NOT NULL,
    change            BLOB,
    revoking          TEXT,
    checkpoint        BLOB,
    step              TEXT,
    class             TEXT,
    attempt           INTEGER,
    in_doubt          INTEGER NOT NULL,
    touched           INTEGER NOT NULL,
    failures          INTEGER NOT NULL,
    owner             TEXT,
    fence             INTEGER NOT NULL,
    due_at            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    ended_at          INTEGER
);

-- one mutation at a time per instance (I-12)
CREATE UNIQUE INDEX operations_active ON operations (instance) WHERE state = 'in progress';
CREATE INDEX operations_due ON operations (due_at) WHERE state = 'in progress';
CREATE INDEX operations_of_subject ON operations (instance, binding, sequence);
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE events (
    sequence             INTEGER PRIMARY KEY AUTOINCREMENT,
    at                   INTEGER NOT NULL,
    kind                 TEXT NOT NULL,
    instance             TEXT NOT NULL,
    binding              TEXT,
    operation            TEXT,
    credential           TEXT,
    request              TEXT,
    originating_identity TEXT,
    detail               TEXT
);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
