-- What is wrong now, for the page, `check --live` and the log: one row per alarm and subject, kept after it ended.

CREATE TABLE alarm (
    name     text NOT NULL CHECK (name <> ''),
    subject  text NOT NULL DEFAULT '',       -- which query, job or minute; empty: there is only one
    what     text NOT NULL,
    hint     text NOT NULL DEFAULT '',
    since    timestamptz NOT NULL DEFAULT now(),
    seen_at  timestamptz NOT NULL DEFAULT now() CHECK (seen_at >= since),
    until    timestamptz,                    -- of something that happened once: shown until then
    ended_at timestamptz,
    PRIMARY KEY (name, subject)
);
CREATE INDEX alarm_open ON alarm (since) WHERE ended_at IS NULL;
