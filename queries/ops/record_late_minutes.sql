-- Minutes that changed at the source after they were final; each raises an alarm once.
-- Parameters: minutes (timestamptz array). Grain: one row per minute not recorded before.
INSERT INTO late_minute (minute) SELECT unnest(CAST(:minutes AS timestamptz[]))
ON CONFLICT DO NOTHING
RETURNING minute
