-- The tuned numbers as versions: who wrote one, who let it be in force, and from which minute on. A version never
-- changes once somebody else may have read it. What the file held when a process led first is a version too.

CREATE TABLE rule_version (
    pack            text NOT NULL REFERENCES pack,
    version         integer NOT NULL CHECK (version > 0),
    parent          integer,                        -- the version whose text it was made from
    instead_of      integer,                        -- the version that it would follow
    origin          text NOT NULL CHECK (origin IN ('file', 'people')),
    numbers         text NOT NULL CHECK (numbers <> ''),  -- a whole rules.toml
    reason          text NOT NULL CHECK (reason <> ''),
    status          text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'submitted', 'approved', 'withdrawn')),
    author          text NOT NULL CHECK (author <> ''),
    author_id       bigint,                         -- accounts; null: the operating system's user
    submitted_by    text,
    submitted_by_id bigint,
    submitted_at    timestamptz,
    approved_by     text,
    approved_by_id  bigint,
    decided_at     timestamptz,
    withdrawn_by    text,
    withdrawn_at    timestamptz,
    in_force_from   timestamptz CHECK (date_trunc('minute', in_force_from, 'UTC') = in_force_from),
    backtest        jsonb CHECK (jsonb_typeof(backtest) = 'object'),  -- of the last 7 days, beside what was in force
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pack, version),
    FOREIGN KEY (pack, parent) REFERENCES rule_version,
    FOREIGN KEY (pack, instead_of) REFERENCES rule_version,
    CHECK (parent < version AND instead_of < version),
    CHECK (origin = 'file' OR (parent IS NOT NULL AND instead_of IS NOT NULL)),
    CHECK ((status = 'approved') = (in_force_from IS NOT NULL)),
    CHECK (status <> 'withdrawn' OR withdrawn_by IS NOT NULL),
    CHECK ((submitted_by IS NULL) = (submitted_at IS NULL)),
    CHECK ((approved_by IS NULL) = (decided_at IS NULL)),
    CHECK (origin = 'file' OR status <> 'submitted' OR submitted_by IS NOT NULL),
    -- Nobody lets their own numbers be in force, and nobody without knowing what they would have done.
    CHECK (
        origin = 'file' OR status <> 'approved'
        OR (approved_by IS NOT NULL AND submitted_by IS NOT NULL AND backtest IS NOT NULL)
    ),
    CHECK (approved_by <> author AND approved_by <> submitted_by),
    CHECK (approved_by_id <> author_id AND approved_by_id <> submitted_by_id)
);
CREATE INDEX rule_version_in_force ON rule_version (pack, in_force_from) WHERE status = 'approved';

-- A rule opens nothing from a minute up to, not including, another one.
CREATE TABLE rule_pause (
    pause_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pack         text NOT NULL REFERENCES pack,
    rule         text NOT NULL CHECK (rule <> ''),
    reason       text NOT NULL CHECK (reason <> ''),
    from_minute  timestamptz NOT NULL CHECK (date_trunc('minute', from_minute, 'UTC') = from_minute),
    until_minute timestamptz NOT NULL CHECK (date_trunc('minute', until_minute, 'UTC') = until_minute),
    paused_by    text NOT NULL CHECK (paused_by <> ''),
    paused_by_id bigint,
    paused_at    timestamptz NOT NULL DEFAULT now(),
    resumed_by   text,  -- before its end
    resumed_at   timestamptz,
    CHECK (until_minute >= from_minute),
    CHECK ((resumed_by IS NULL) = (resumed_at IS NULL)),
    CONSTRAINT paused_once EXCLUDE USING gist (
        word_range(pack, pack, '[]') WITH &&,
        word_range(rule, rule, '[]') WITH &&,
        tstzrange(from_minute, until_minute) WITH &&
    )
);

ALTER TABLE minute_ledger
    ADD COLUMN rules_version integer,  -- null: not judged, or judged before versions were kept
    ADD FOREIGN KEY (pack, rules_version) REFERENCES rule_version,
    ADD CHECK (rules_version IS NULL OR judged_at IS NOT NULL);
