-- Keep what was foreseen on a business day, instead of what was there; what is older than a year goes.
-- Parameters: pack, day, result (JSON). Grain: none.
WITH gone AS (DELETE FROM forecast WHERE pack = :pack AND day < CAST(:day AS date) - 366)
INSERT INTO forecast (pack, day, result) VALUES (:pack, :day, CAST(:result AS jsonb))
ON CONFLICT (pack, day) DO UPDATE SET result = excluded.result, made_at = now()
