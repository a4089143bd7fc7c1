-- Minutes with rows that cannot be counted: past the horizon, or ahead of the source's clock. Each is kept once.
-- Parameters: pack, minutes (timestamptz array), reason (past, future). Grain: one row per minute not recorded before.
INSERT INTO stray_minute (pack, minute, reason) SELECT :pack, unnest(CAST(:minutes AS timestamptz[])), :reason
ON CONFLICT DO NOTHING
