-- What labelled disturbances cost by when somebody acted, as a replay found it: kept, since a replay takes a while.

CREATE TABLE regret (
    pack       text NOT NULL REFERENCES pack,
    entity_id  text NOT NULL CHECK (entity_id <> ''),
    label      text NOT NULL CHECK (label <> ''),
    started_at timestamptz NOT NULL,
    until      timestamptz NOT NULL CHECK (until >= started_at),
    told_at    timestamptz,
    result     jsonb NOT NULL CHECK (jsonb_typeof(result) = 'object'),
    measured_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pack, entity_id, label, started_at)
);
COMMENT ON COLUMN regret.told_at IS 'When the replay would have told people first; null: never';
COMMENT ON COLUMN regret.result IS 'without, at_once, hour_later: what is lost, minor units; null: not known; curve: since when how much';
