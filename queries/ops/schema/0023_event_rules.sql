-- Rules that judge events of the pack transfers: what was written, who let it judge, and from when until when. A version
-- never changes; what it may do (shadow, live, paused) stands in spans of time, so any past moment can be judged again.

-- Grows with each change of rules and lists, so that whoever follows them reads only what is new; whoever changes
-- something locks its row first.
CREATE TABLE transfers.rule_revision (
    revision bigint NOT NULL,
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);
INSERT INTO transfers.rule_revision (revision) VALUES (0);

CREATE TABLE transfers.rule (
    rule       text PRIMARY KEY CHECK (rule ~ '^[A-Z][A-Z0-9_]{0,63}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);

CREATE TABLE transfers.rule_version (
    rule            text NOT NULL REFERENCES transfers.rule,
    version         integer NOT NULL CHECK (version > 0),
    content         text NOT NULL,               -- canonical JSON
    sha256          text NOT NULL,               -- of content
    status          text NOT NULL CHECK (status IN ('draft', 'submitted', 'shadow', 'live', 'retired', 'withdrawn')),
    reason          text NOT NULL CHECK (reason <> ''),
    author          text NOT NULL CHECK (author <> ''),
    author_id       bigint,
    created_at      timestamptz NOT NULL DEFAULT now(),
    submitted_by    text,
    submitted_by_id bigint,
    submitted_at    timestamptz,
    backtest        jsonb,                       -- of 30 days: hits a day, precision, accounts, money
    backtest_sha256 text,
    backtest_asked  timestamptz,
    filled_at       timestamptz,                 -- since when its windows are full; before that it is warming
    PRIMARY KEY (rule, version)
);

CREATE TABLE transfers.rule_approval (
    rule            text NOT NULL,
    version         integer NOT NULL,
    sha256          text NOT NULL,               -- of exactly this content
    backtest_sha256 text NOT NULL,               -- seen with exactly this effect
    approved_by     text NOT NULL,
    approved_by_id  bigint,
    approved_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, version),
    FOREIGN KEY (rule, version) REFERENCES transfers.rule_version
);

-- When a version judges, by the time of the events; until_at null: until further notice. A span `paused` lies over the
-- others: while it lasts no version of the rule is live.
CREATE TABLE transfers.rule_span (
    rule     text NOT NULL,
    version  integer NOT NULL,
    mode     text NOT NULL CHECK (mode IN ('shadow', 'live', 'paused')),
    from_at  timestamptz(3) NOT NULL,
    until_at timestamptz(3),
    by       text NOT NULL,
    reason   text NOT NULL,
    PRIMARY KEY (rule, version, mode, from_at),
    FOREIGN KEY (rule, version) REFERENCES transfers.rule_version,
    CHECK (until_at IS NULL OR until_at >= from_at)
);

CREATE TABLE transfers.list_entry (
    entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list       text NOT NULL CHECK (list ~ '^[a-z][a-z0-9_]{0,63}$'),  -- allow, deny, or one that rules name
    value      text NOT NULL CHECK (length(value) BETWEEN 1 AND 64),
    reason     text NOT NULL CHECK (reason <> ''),
    from_at    timestamptz(3) NOT NULL,
    until_at   timestamptz(3),
    added_by   text NOT NULL,
    added_by_id bigint,
    removed_by text,
    CHECK (until_at IS NULL OR until_at >= from_at)
);
CREATE INDEX list_entry_in_force ON transfers.list_entry (list, from_at);

CREATE TABLE transfers.learned_model (
    version         integer PRIMARY KEY,
    model           text NOT NULL,               -- LightGBM's text format
    sha256          text NOT NULL,
    features        jsonb NOT NULL,
    measured        jsonb NOT NULL,              -- beside its control, on the last third by time
    status          text NOT NULL CHECK (status IN ('draft', 'submitted', 'live', 'retired')),
    author          text NOT NULL,
    author_id       bigint,
    approved_by     text,
    approved_by_id  bigint,
    from_at         timestamptz(3),
    until_at        timestamptz(3),
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX risk_rule_hit_learned ON transfers.risk_rule_hit (number) WHERE rule = 'LEARNED_SCORE';

-- What became of an event, as people or the company say: the truth that rules and models are measured by.
CREATE TABLE transfers.outcome (
    transfer_id text PRIMARY KEY,
    fraud       boolean NOT NULL,
    said_by     text NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now()
);
