-- What no minute counts is recorded with its reason, and a restart remembers how long transactions have been open.

ALTER TABLE late_minute RENAME TO stray_minute;
ALTER TABLE stray_minute ADD COLUMN reason text NOT NULL DEFAULT 'past' CHECK (reason IN ('past', 'future'));
ALTER TABLE stray_minute ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE stray_minute DROP CONSTRAINT late_minute_pkey, ADD PRIMARY KEY (minute, reason);
COMMENT ON TABLE stray_minute IS
    'Minutes with rows that were not counted when they were found: past the horizon, or ahead of the source''s clock';

-- How many of them ask for attention: found past the horizon within a day, or in the future and not yet come.
CREATE VIEW stray_count AS
SELECT
    count(*) FILTER (WHERE reason = 'past' AND found_at > now() - interval '1 day')             AS past,
    count(*) FILTER (WHERE reason = 'future' AND minute >= (SELECT next_minute FROM watermark)) AS future
FROM stray_minute;

ALTER TABLE source_fence ADD COLUMN open_since timestamptz;
UPDATE source_fence SET open_since = look_back;
ALTER TABLE source_fence ALTER COLUMN open_since SET NOT NULL;
