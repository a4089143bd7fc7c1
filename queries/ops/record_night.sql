-- Store what a pack measured of a business day; a second measurement replaces the first.
-- Parameters: pack, day, result (jsonb object). Grain: one row.
INSERT INTO nightly (pack, day, result) VALUES (:pack, :day, CAST(:result AS jsonb))
ON CONFLICT (pack, day) DO UPDATE SET result = excluded.result, measured_at = now()
