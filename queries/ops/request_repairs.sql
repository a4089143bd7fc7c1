-- Ask the leader to read minutes again.
-- Parameters: minutes (timestamptz array). Grain: one row per minute.
INSERT INTO repair_request (minute) SELECT unnest(CAST(:minutes AS timestamptz[]))
ON CONFLICT DO NOTHING
