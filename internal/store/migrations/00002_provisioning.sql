-- Who may do what, whose names are whose, and what was answered to writes. It only
-- adds: a program of schema 1 writes the tables that it knows as before.

-- +goose Up

-- identities is held by who changes customers, plans, users or tokens.
INSERT INTO counters (name, value) VALUES ('identities', 0);

-- versions grow with each change of a row.
ALTER TABLE customers ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- A token is known to people by its id; its hash is shown to nobody.
ALTER TABLE tokens ADD COLUMN id TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX tokens_id ON tokens (id) WHERE id <> '';

-- A version of a site says what it is answered for: its DNS names and hosts, with
-- spaces between them. It is empty if a program of schema 1 has written it.
ALTER TABLE objects ADD COLUMN names TEXT NOT NULL DEFAULT '';
CREATE INDEX objects_unnamed ON objects (kind, names) WHERE kind = 'site' AND until = 9223372036854775807 AND names = '';

-- names are what the present sites are answered for. Labels are reversed, each with
-- a dot behind it, and without "*.": what is below a name begins with that name.
-- They are blobs because texts have other orders in other databases.
CREATE TABLE names (
    site     TEXT NOT NULL,
    name     TEXT NOT NULL,
    customer TEXT NOT NULL, -- whose the site is; empty: the operator's
    reversed blob NOT NULL,
    PRIMARY KEY (site, name)
);
CREATE INDEX names_reversed ON names (customer, reversed);

-- claims are names that customers have proved to control, or are to prove.
CREATE TABLE claims (
    customer TEXT NOT NULL,
    name     TEXT NOT NULL,
    reversed blob NOT NULL,
    token    TEXT NOT NULL,           -- what the TXT record is to say; empty: nobody asked for one
    begun    BIGINT NOT NULL,
    proof    TEXT NOT NULL DEFAULT '',
    proved   BIGINT NOT NULL DEFAULT 0,
    who      TEXT NOT NULL DEFAULT '', -- proved it
    onboarding TEXT NOT NULL DEFAULT '', -- that has made it
    released BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (customer, name)
);
CREATE INDEX claims_reversed ON claims (reversed, customer) WHERE proved > 0 AND released = 0;

-- idempotency has what was answered to writes, by the keys that their callers gave
-- them. A status of 0 is one that has not ended.
CREATE TABLE idempotency (
    owner  TEXT NOT NULL,
    name   TEXT NOT NULL,
    hash   blob NOT NULL,
    status BIGINT NOT NULL,
    answer blob NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- onboardings are kept when they are over; next is 0 then.
CREATE TABLE onboardings (
    id        TEXT PRIMARY KEY,
    number    BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    site      TEXT NOT NULL,
    customer  TEXT NOT NULL, -- empty: the operator's
    text      TEXT NOT NULL,
    names     TEXT NOT NULL, -- with spaces between them
    base      BIGINT NOT NULL,
    proof     TEXT NOT NULL,
    token     TEXT NOT NULL,
    who       TEXT NOT NULL,
    operator  BIGINT NOT NULL,
    why       TEXT NOT NULL,
    began     BIGINT NOT NULL,
    state     TEXT NOT NULL,
    cancelled TEXT NOT NULL DEFAULT '',
    failure   TEXT NOT NULL DEFAULT '',
    inside    BIGINT NOT NULL DEFAULT 0, -- the failure is for operators to read
    remains   BIGINT NOT NULL DEFAULT 0,
    changed   BIGINT NOT NULL,
    next      BIGINT NOT NULL,
    published BIGINT NOT NULL DEFAULT 0,
    withdrawn BIGINT NOT NULL DEFAULT 0,
    version   BIGINT NOT NULL
);
CREATE UNIQUE INDEX onboardings_number ON onboardings (number);
CREATE UNIQUE INDEX onboardings_site ON onboardings (customer, site) WHERE next > 0;
CREATE INDEX onboardings_next ON onboardings (next) WHERE next > 0;
CREATE INDEX onboardings_customer ON onboardings (customer, number);

CREATE TABLE onboarding_steps (
    onboarding TEXT NOT NULL REFERENCES onboardings (id),
    number     BIGINT NOT NULL,
    name       TEXT NOT NULL,
    cdn        TEXT NOT NULL,
    state      TEXT NOT NULL,
    words      TEXT NOT NULL,
    inside     BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    next       BIGINT NOT NULL,
    mark       BIGINT NOT NULL,
    PRIMARY KEY (onboarding, number)
);

INSERT INTO counters (name, value) VALUES ('onboardings', 0);

-- setups are the sides of sites at CDNs that providers have set up, and how those
-- follow changes. times are in microseconds; next is 0 where nothing is to be done.
CREATE TABLE setups (
    site     TEXT NOT NULL,
    cdn      TEXT NOT NULL,
    customer TEXT NOT NULL, -- empty: the operator's
    state    TEXT NOT NULL,
    asked    TEXT NOT NULL, -- of the provider, in JSON
    has      TEXT NOT NULL, -- digests of what it has, and is to have
    wants    TEXT NOT NULL,
    ttl      BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    since    BIGINT NOT NULL,
    tries    BIGINT NOT NULL,
    words    TEXT NOT NULL,
    next     BIGINT NOT NULL,
    mark     BIGINT NOT NULL,
    kept     BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    PRIMARY KEY (site, cdn)
);
CREATE INDEX setups_next ON setups (cdn, next) WHERE next > 0;
CREATE INDEX setups_state ON setups (state, site, cdn);
CREATE INDEX setups_customer ON setups (customer, site, cdn);
