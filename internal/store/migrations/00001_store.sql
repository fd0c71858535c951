-- The schema of the store. One text for SQLite and PostgreSQL: TEXT, BIGINT and
-- DOUBLE PRECISION only, and blob, which on PostgreSQL is a domain over bytea.
-- Times are microseconds since 1970, durations microseconds, truths 0 or 1.
-- Migrations go forward only; those that take something away have names that
-- end in _finish.sql.

-- +goose Up

-- settings are single values: the seed of the hash.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- counters number what is written. Who takes a number holds the row until its
-- transaction ends, so numbers become visible in their order.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('revision', 0), ('journal', 0), ('audit', 0), ('samples', 0), ('decisions', 0);

CREATE TABLE customers (
    name    TEXT PRIMARY KEY,
    title   TEXT NOT NULL DEFAULT '',
    plan    TEXT NOT NULL DEFAULT '',
    created BIGINT NOT NULL,
    closed  BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE users (
    name     TEXT PRIMARY KEY,
    customer TEXT REFERENCES customers (name), -- NULL: of the provider
    role     TEXT NOT NULL,
    secret   TEXT NOT NULL DEFAULT '',         -- a hash
    created  BIGINT NOT NULL,
    closed   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX users_customer ON users (customer);

CREATE TABLE tokens (
    hash    TEXT PRIMARY KEY,
    owner   TEXT NOT NULL REFERENCES users (name),
    title   TEXT NOT NULL DEFAULT '',
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL DEFAULT 0,
    used    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_owner ON tokens (owner);

-- revisions number what was published.
CREATE TABLE revisions (
    number   BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL,
    customer TEXT NOT NULL, -- of who; empty: an operator
    why      TEXT NOT NULL,
    changes  BIGINT NOT NULL
);

-- objects are classes, origins, CDNs and sites in all of their versions. One
-- holds from the revision "since" on, and before the revision "until"; the
-- present one has the highest number there is. An empty text is a removed object.
CREATE TABLE objects (
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    since    BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    customer TEXT NOT NULL,
    adopted  BIGINT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (kind, name, since)
);
CREATE UNIQUE INDEX objects_present ON objects (kind, name) WHERE until = 9223372036854775807;
CREATE INDEX objects_since ON objects (since);
CREATE INDEX objects_customer ON objects (customer, kind, name) WHERE until = 9223372036854775807;
CREATE INDEX objects_customer_since ON objects (customer, since);

-- drafts are what somebody has not published yet: one for each viewer.
CREATE TABLE drafts (
    customer TEXT NOT NULL,
    viewer   TEXT NOT NULL,
    base     BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (customer, viewer)
);
CREATE TABLE draft_objects (
    customer TEXT NOT NULL,
    viewer   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    owner    TEXT NOT NULL,
    adopted  BIGINT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (customer, viewer, kind, name),
    FOREIGN KEY (customer, viewer) REFERENCES drafts (customer, viewer) ON DELETE CASCADE
);

-- confirmations let revisions through that servers hold back.
CREATE TABLE confirmations (
    revision BIGINT PRIMARY KEY REFERENCES revisions (number),
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL
);

CREATE TABLE plans (
    name     TEXT NOT NULL,
    since    BIGINT NOT NULL, -- a time: prices of the past stay what they were
    currency TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (name, since)
);

CREATE TABLE overrides (
    id      TEXT PRIMARY KEY,
    scope   TEXT NOT NULL,
    name    TEXT NOT NULL,
    action  TEXT NOT NULL,
    cdn     TEXT NOT NULL,
    share   DOUBLE PRECISION NOT NULL,
    owner   TEXT NOT NULL,
    reason  TEXT NOT NULL,
    since   BIGINT NOT NULL,
    until   BIGINT NOT NULL,
    cleared BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX overrides_until ON overrides (until) WHERE cleared = 0;

-- journal has every decision. A server that writes one twice writes it once.
CREATE TABLE journal (
    number   BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    site     TEXT NOT NULL,
    side     TEXT NOT NULL,
    share    DOUBLE PRECISION NOT NULL,
    cdns     TEXT NOT NULL, -- with spaces between them
    cause    TEXT NOT NULL,
    signal   TEXT NOT NULL,
    value    DOUBLE PRECISION NOT NULL,
    bound    DOUBLE PRECISION NOT NULL,
    v        DOUBLE PRECISION NOT NULL,
    age      BIGINT NOT NULL,
    detail   TEXT NOT NULL,
    ttl      BIGINT NOT NULL,
    override TEXT NOT NULL,
    revision BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    server   TEXT NOT NULL
);
CREATE UNIQUE INDEX journal_once ON journal (site, at, server, epoch);
CREATE INDEX journal_at ON journal (at, number);

-- audit has every write of a viewer.
CREATE TABLE audit (
    number   BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL,
    customer TEXT NOT NULL, -- of who; empty: an operator
    what     TEXT NOT NULL,
    base     BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX audit_customer ON audit (customer, number);

-- ledger is the record of usage. A row that is written again counts once.
CREATE TABLE ledger (
    server   TEXT NOT NULL,
    epoch    BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    begins   BIGINT NOT NULL,
    ends     BIGINT NOT NULL,
    customer TEXT NOT NULL,
    site     TEXT NOT NULL,
    cdn      TEXT NOT NULL, -- empty: the origin
    unit     TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    source   TEXT NOT NULL,
    PRIMARY KEY (server, epoch, sequence)
);
CREATE INDEX ledger_site ON ledger (site, begins);
CREATE INDEX ledger_customer ON ledger (customer, begins);

CREATE TABLE servers (
    name          TEXT PRIMARY KEY,
    version       TEXT NOT NULL,
    schema_number BIGINT NOT NULL,
    revision      BIGINT NOT NULL,
    held          BIGINT NOT NULL,
    refused       BIGINT NOT NULL,
    alone         BIGINT NOT NULL,
    decides       BIGINT NOT NULL,
    seen          BIGINT NOT NULL
);

-- lease has one row: who decides.
CREATE TABLE lease (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    holder TEXT NOT NULL,
    term   BIGINT NOT NULL,
    until  BIGINT NOT NULL
);
INSERT INTO lease (id, holder, term, until) VALUES (1, '', 0, 0);

CREATE TABLE samples (
    number  BIGINT PRIMARY KEY,
    server  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    payload blob NOT NULL
);
CREATE INDEX samples_server ON samples (server, at);

-- decisions has the newest of each site.
CREATE TABLE decisions (
    site    TEXT PRIMARY KEY,
    number  BIGINT NOT NULL,
    server  TEXT NOT NULL,
    term    BIGINT NOT NULL,
    epoch   BIGINT NOT NULL,
    payload blob NOT NULL
);
CREATE INDEX decisions_number ON decisions (number);
