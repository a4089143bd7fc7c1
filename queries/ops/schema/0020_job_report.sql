-- What the pipeline did and how long it took, for the people who run it: a row per judged minute, search, comparison,
-- proof and compaction. Written after the work is committed, and kept for eight days; nothing depends on it.

CREATE TABLE job_report (
    job_report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pack    text NOT NULL REFERENCES pack,
    job     text NOT NULL CHECK (job <> ''),
    at      timestamptz NOT NULL DEFAULT now(),
    took_ms double precision NOT NULL CHECK (took_ms >= 0),
    result  jsonb NOT NULL CHECK (jsonb_typeof(result) = 'object')
);
CREATE INDEX job_report_of ON job_report (pack, job, at);

-- What was told in the last day, and what could not be told.
CREATE INDEX outbox_by_time ON outbox (created_at);
CREATE INDEX outbox_not_told ON outbox (outbox_id) WHERE status IN ('pending', 'sending', 'dead');
