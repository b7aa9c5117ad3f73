CREATE TABLE header (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    format BIGINT NOT NULL,
    born BIGINT NOT NULL,
    stack TEXT NOT NULL,
    lineage TEXT NOT NULL,
    canary TEXT NOT NULL,
    origin BYTEA NOT NULL,
    serial BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    head BYTEA NOT NULL,
    fold BYTEA NOT NULL,
    records BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    token TEXT,
    info TEXT
);
CREATE TABLE record (
    reference TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL,
    hash BYTEA NOT NULL
);
CREATE TABLE journal (
    sequence BIGINT PRIMARY KEY,
    serial BIGINT NOT NULL,
    change UUID NOT NULL UNIQUE,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    run TEXT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    incarnation BIGINT NOT NULL,
    what TEXT NOT NULL,
    transitions TEXT NOT NULL,
    record BYTEA,
    fold BYTEA NOT NULL,
    format BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX journal_of ON journal (reference, sequence);
CREATE TABLE revision (
    serial BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    head BYTEA NOT NULL,
    fold BYTEA NOT NULL,
    records BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    hash BYTEA NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE chunk (
    digest BYTEA PRIMARY KEY,
    body TEXT NOT NULL
);
