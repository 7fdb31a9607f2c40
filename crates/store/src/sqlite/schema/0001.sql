-- The first schema of a Gangway store. What is published or compared is a column; all else of a record is JSON.

-- One row: what the store is, and the small values that every worker shares.
CREATE TABLE store (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    stamp          TEXT    NOT NULL,            -- JSON, see stamp.rs
    high_water     INTEGER NOT NULL,            -- the store's time never falls behind this
    paused         INTEGER NOT NULL DEFAULT 0,  -- a bit for each kind
    unknown_hints  INTEGER NOT NULL DEFAULT 0,
    circuit        TEXT,                        -- JSON; absent: closed
    bucket         TEXT                         -- JSON; absent: full
);

-- Onboardings by stage, those in the ledger included.
CREATE TABLE counter (
    stage  TEXT    PRIMARY KEY,
    count  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE onboarding (
    seq          INTEGER PRIMARY KEY,  -- short and growing, so that the rows of one import lie together
    id           BLOB    NOT NULL UNIQUE,
    email_key    BLOB    NOT NULL UNIQUE,
    customer_id  TEXT,
    reference    TEXT,
    prune_from   INTEGER,              -- when it ended; NULL while it runs, and if no ledger row could stand for it
    fence        BLOB,                 -- the token that last settled its job, 16 bytes for each kind
    record       TEXT    NOT NULL
);
CREATE INDEX onboarding_customer  ON onboarding (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX onboarding_reference ON onboarding (reference)   WHERE reference IS NOT NULL;
CREATE INDEX onboarding_prune     ON onboarding (prune_from)  WHERE prune_from IS NOT NULL;

-- What stays of pruned and erased onboardings.
CREATE TABLE ledger (
    id                BLOB    PRIMARY KEY,
    email_key         BLOB,
    content           BLOB,
    customer_id       TEXT,
    ended             TEXT    NOT NULL,
    round             INTEGER NOT NULL,
    definite          INTEGER NOT NULL,
    later_generation  INTEGER,
    later_key         BLOB,
    sequence          INTEGER NOT NULL,
    fence             BLOB               -- of an erased one: its last settle may still be repeated
) WITHOUT ROWID;
CREATE INDEX ledger_email ON ledger (email_key) WHERE email_key IS NOT NULL;

CREATE TABLE job (
    id                INTEGER PRIMARY KEY,  -- onboarding.seq * 4 + place of the kind
    onboarding        BLOB    NOT NULL,
    kind              INTEGER NOT NULL,
    hold              INTEGER NOT NULL,     -- 0 waiting, 1 leased, 2 dead
    due               INTEGER NOT NULL,
    attempt           INTEGER NOT NULL,
    losses            INTEGER NOT NULL,
    parked            INTEGER NOT NULL,
    payload           TEXT    NOT NULL,
    failure           TEXT,                 -- JSON
    -- leased
    token             BLOB,
    worker            BLOB,
    since             INTEGER,
    until             INTEGER,
    term              INTEGER,              -- the length that was last asked for
    uncertain_before  INTEGER,
    hastened          INTEGER NOT NULL DEFAULT 0,
    -- dead
    dead_since        INTEGER,
    code              TEXT
);
-- `hold` and `losses` are the same in all of it; with them, counting waiting jobs reads nothing but this index.
CREATE INDEX job_due     ON job (kind, parked, due, attempt, hold, losses) WHERE hold = 0 AND losses = 0;
CREATE INDEX job_lossy   ON job (kind, parked, due, attempt) WHERE hold = 0 AND losses > 0;
CREATE INDEX job_token   ON job (token)                      WHERE hold = 1;
CREATE INDEX job_until   ON job (until)                      WHERE hold = 1;
CREATE INDEX job_suspect ON job (worker)                     WHERE hold = 1 AND losses > 0;
CREATE INDEX job_dead    ON job (onboarding, kind)           WHERE hold = 2;

CREATE TABLE worker (
    id          BLOB    PRIMARY KEY,
    info        TEXT    NOT NULL,  -- JSON
    patience    INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    beat_at     INTEGER NOT NULL,
    slots_busy  INTEGER NOT NULL DEFAULT 0,
    boot        TEXT               -- which start of the machine it runs in
) WITHOUT ROWID;

CREATE TABLE import (
    id          BLOB    PRIMARY KEY,
    digest      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    owner       BLOB    NOT NULL,
    patience    INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    beat_at     INTEGER NOT NULL,
    ended_at    INTEGER,
    checkpoint  TEXT    NOT NULL   -- JSON
) WITHOUT ROWID;
CREATE INDEX import_unfinished ON import (digest) WHERE ended_at IS NULL;

-- Only ever trimmed from its beginning, so positions have no gaps and lengths are differences.
CREATE TABLE event (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    onboarding  BLOB    NOT NULL,
    id          BLOB    NOT NULL,
    kind        TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    data        TEXT    NOT NULL   -- JSON
);
CREATE INDEX event_onboarding ON event (onboarding);

CREATE TABLE outbox_group (
    name   TEXT    PRIMARY KEY,
    floor  INTEGER NOT NULL        -- all up to here is acknowledged
) WITHOUT ROWID;

-- Acknowledged above the floor of its group.
CREATE TABLE outbox_ack (
    name      TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (name, position)
) WITHOUT ROWID;

CREATE TABLE outbox_claim (
    name      TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    consumer  TEXT    NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (name, position)
) WITHOUT ROWID;

INSERT INTO outbox_group (name, floor) VALUES ('main', 0);
